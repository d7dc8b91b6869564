import { expect, it } from 'vitest';
import { createLoopTurns, toListJson } from './loop-turns.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

it('runs one job per turn of the event loop, in order, whatever a job does', async () => {
  const run = createLoopTurns();
  const order: string[] = [];
  const jobs = ['a', 'b', 'c'].map((name) =>
    run(() => {
      order.push(name);
      if (name === 'b') throw new Error('b fails');
      return name;
    }),
  );
  const outcomes = Promise.allSettled(jobs);
  expect(order).toEqual([]);
  for (const expected of [['a'], ['a', 'b'], ['a', 'b', 'c']]) {
    await turn();
    expect(order).toEqual(expected);
  }
  expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

it('a job that comes from a job waits for its own turn, behind those that wait', async () => {
  const run = createLoopTurns();
  const order: string[] = [];
  const first = run(() => void order.push('first')).then(() => run(() => order.push('again')));
  const second = run(() => order.push('second'));
  await Promise.all([first, second]);
  expect(order).toEqual(['first', 'second', 'again']);
});

it('a job may add a job', async () => {
  const run = createLoopTurns();
  const inner: Promise<string>[] = [];
  await run(
    () =>
      void inner.push(
        run(() => 'one'),
        run(() => 'two'),
      ),
  );
  expect(await Promise.all(inner)).toEqual(['one', 'two']);
  expect(await run(() => 'three')).toBe('three');
});

it('writes a list in pieces as JSON.stringify writes it whole', async () => {
  const items = Array.from({ length: 11 }, (_, i) => ({ value: i / 3 }));
  const toValue = (item: { value: number }, index: number) => ({ index, ...item });
  const whole = JSON.stringify(items.map(toValue));
  for (const perTurn of [1, 3, 11, 100]) expect(await toListJson(items, perTurn, toValue)).toBe(whole);
  expect(await toListJson([], 5, toValue)).toBe('[]');
});
