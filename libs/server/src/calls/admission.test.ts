import { CancelledError, OverloadedError } from '@xim/engine';
import { describe, expect, it } from 'vitest';
import { createAdmission, type Slots } from './admission.ts';

const patient = (): AbortSignal => new AbortController().signal;
const never = patient();
const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What became of a `take`: undefined while it waits. */
function watch(promise: Promise<Slots>): { value: Slots | Error | undefined } {
  const seen: { value: Slots | Error | undefined } = { value: undefined };
  promise.then(
    (slots) => (seen.value = slots),
    (error: Error) => (seen.value = error),
  );
  return seen;
}

/** The same numbers on every run (mulberry32). */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('admission', () => {
  it('gives slots at once while there are some, and to the first in the queue when one is released', async () => {
    const admission = createAdmission({ slots: 1, queue: 2 });
    const first = await admission.take(1, never);
    const second = watch(admission.take(1, never));
    const third = watch(admission.take(1, never));
    await tick();
    expect([second.value, third.value, admission.queued]).toEqual([undefined, undefined, 2]);
    first.release();
    await tick();
    expect(second.value).toHaveProperty('count', 1);
    expect(third.value).toBeUndefined();
    expect([admission.running, admission.queued]).toEqual([1, 1]);
  });

  it('refuses at once what neither runs nor fits into the queue', async () => {
    const admission = createAdmission({ slots: 2, queue: 2 });
    await admission.take(2, never);
    void admission.take(1, never);
    await expect(admission.take(2, never)).rejects.toBeInstanceOf(OverloadedError);
    void admission.take(1, never);
    await expect(admission.take(1, never)).rejects.toThrow('All 2 slots are busy and 2 of 2 places');
  });

  it('refuses at once without a queue', async () => {
    const admission = createAdmission({ slots: 1, queue: 0 });
    const slots = await admission.take(1, never);
    await expect(admission.take(1, never)).rejects.toBeInstanceOf(OverloadedError);
    slots.release();
    await expect(admission.take(1, never)).resolves.toHaveProperty('count', 1);
  });

  it('gives a call that wants more than there is all slots, and lets it wait though it is larger than the queue', async () => {
    const admission = createAdmission({ slots: 4, queue: 2 });
    const small = await admission.take(1, never);
    const large = watch(admission.take(100, never));
    await expect(admission.take(1, never)).rejects.toBeInstanceOf(OverloadedError);
    small.release();
    await tick();
    expect(large.value).toHaveProperty('count', 4);
  });

  it('never lets a small call pass a large one', async () => {
    const admission = createAdmission({ slots: 4, queue: 10 });
    const running = await admission.take(2, never);
    const large = watch(admission.take(4, never));
    const small = watch(admission.take(1, never));
    await tick();
    expect(small.value).toBeUndefined();
    running.release();
    await tick();
    expect(large.value).toHaveProperty('count', 4);
    expect(small.value).toBeUndefined();
  });

  it('frees the place of a call that gives up, and lets those behind it run', async () => {
    const admission = createAdmission({ slots: 4, queue: 10 });
    await admission.take(2, never);
    const gone = new AbortController();
    const large = watch(admission.take(4, gone.signal));
    const small = watch(admission.take(2, never));
    gone.abort(new CancelledError());
    await tick();
    expect(large.value).toBeInstanceOf(CancelledError);
    expect(small.value).toHaveProperty('count', 2);
    expect([admission.running, admission.queued]).toEqual([4, 0]);
  });

  it('takes nothing for a signal that was aborted before', async () => {
    const admission = createAdmission({ slots: 1, queue: 1 });
    await expect(admission.take(1, AbortSignal.abort(new CancelledError()))).rejects.toBeInstanceOf(CancelledError);
    expect(admission.running).toBe(0);
  });

  it('advises to come back when the queue should be through, from 1 to 30 seconds', async () => {
    let clock = 0;
    const admission = createAdmission({ slots: 1, queue: 1, now: () => clock });
    const advice = async () => {
      const [running, waiting] = [await admission.take(1, never), watch(admission.take(1, never))];
      const error: unknown = await admission.take(1, never).catch((reason: unknown) => reason);
      running.release();
      await tick();
      (waiting.value as Slots).release();
      return (error as OverloadedError).retryAfter;
    };
    const spend = async (seconds: number, times: number) => {
      for (let i = 0; i < times; i++) {
        const slots = await admission.take(1, never);
        clock += seconds * 1000;
        slots.release();
      }
    };
    await spend(0.001, 100);
    expect(await advice()).toBe(1);
    await spend(5, 100);
    expect(await advice()).toBe(10); // 5 s for the one that waits, 5 s for this one
    await spend(1000, 100);
    expect(await advice()).toBe(30);
  });

  it('never runs more than its slots, keeps the order and gives everything back, whatever happens', async () => {
    for (let seed = 1; seed <= 200; seed++) {
      const next = random(seed);
      const slots = 1 + Math.floor(next() * 6);
      const queue = Math.floor(next() * 12);
      const admission = createAdmission({ slots, queue });
      const held = new Set<Slots>();
      const open: { order: number; abort: AbortController }[] = [];
      let lastAdmitted = -1;
      for (let step = 0; step < 150; step++) {
        const dice = next();
        if (dice < 0.55) {
          const abort = new AbortController();
          const entry = { order: step, abort };
          open.push(entry);
          admission.take(1 + Math.floor(next() * 8), abort.signal).then(
            (granted) => {
              expect(entry.order, `seed ${seed}`).toBeGreaterThan(lastAdmitted);
              lastAdmitted = entry.order;
              held.add(granted);
            },
            () => undefined,
          );
        } else if (dice < 0.85) {
          const [first] = held;
          if (first) {
            held.delete(first);
            first.release();
            if (next() < 0.2) first.release();
          }
        } else {
          open[Math.floor(next() * open.length)]?.abort.abort(new CancelledError());
        }
        await Promise.resolve();
        await Promise.resolve();
        const sum = [...held].reduce((total, one) => total + one.count, 0);
        expect(admission.running, `seed ${seed}`).toBe(sum);
        expect(sum, `seed ${seed}`).toBeLessThanOrEqual(slots);
        expect(admission.queued, `seed ${seed}`).toBeLessThanOrEqual(Math.max(queue, queue > 0 ? slots : 0));
      }
      while (held.size > 0 || admission.queued > 0) {
        for (const one of held) one.release();
        held.clear();
        await tick();
      }
      expect([admission.running, admission.queued], `seed ${seed}`).toEqual([0, 0]);
    }
  });
});

describe('createAdmission with a share', () => {
  const signal = new AbortController().signal;
  const admitted = async (taken: Promise<unknown>): Promise<boolean> => {
    const pending = Symbol();
    return (await Promise.race([taken, Promise.resolve(pending)])) !== pending;
  };

  it('lets a large call hold its share only, so that small ones run beside it', async () => {
    const admission = createAdmission({ slots: 16, queue: 100, share: 2 });
    const large = await admission.take(2048, signal);
    expect([large.count, admission.running]).toEqual([2, 2]);
    expect((await admission.take(1, signal)).count).toBe(1);
    large.release();
    expect(admission.running).toBe(1);
  });

  it('keeps half of the slots for small calls, which go by waiting large ones', async () => {
    const admission = createAdmission({ slots: 8, queue: 100, share: 2 });
    const running = [await admission.take(9, signal), await admission.take(9, signal)];
    const third = admission.take(9, signal);
    const small = admission.take(2, signal);
    expect([await admitted(third), await admitted(small)]).toEqual([false, true]);
    running[0]!.release();
    expect(await admitted(third)).toBe(true);
  });

  it('never lets small calls starve a large one that only wants for slots', async () => {
    const admission = createAdmission({ slots: 4, queue: 100, share: 2 });
    const small = await Promise.all([1, 2, 3, 4].map(() => admission.take(1, signal)));
    const large = admission.take(9, signal);
    const later = admission.take(1, signal);
    small[0]!.release();
    expect([await admitted(large), await admitted(later)]).toEqual([false, false]);
    small[1]!.release();
    expect([await admitted(large), await admitted(later)]).toEqual([true, false]);
  });
});

describe('createAdmission with callers', () => {
  const first = async (promise: Promise<Slots>): Promise<Slots> => {
    const slots = await promise;
    slots.release();
    return slots;
  };

  it('gives callers turns, however many calls one of them has', async () => {
    const admission = createAdmission({ slots: 1, queue: 100 });
    const running = await admission.take(1, patient(), 'bulk');
    const order: string[] = [];
    const calls = ['bulk', 'bulk', 'bulk', 'bulk', 'other', 'other'].map((caller, i) =>
      first(admission.take(1, patient(), caller)).then(() => order.push(`${caller} ${i}`)),
    );
    running.release();
    await Promise.all(calls);
    expect(order).toEqual(['other 4', 'bulk 0', 'other 5', 'bulk 1', 'bulk 2', 'bulk 3']);
  });

  it('gives a caller that waits for many slots its turn, whatever others ask for meanwhile', async () => {
    const admission = createAdmission({ slots: 4, queue: 100 });
    let singles = await Promise.all([1, 2, 3, 4].map((i) => admission.take(1, patient(), `single ${i}`)));
    const large = watch(admission.take(4, patient(), 'large'));
    for (let round = 0; round < 10 && large.value === undefined; round++) {
      const next = singles.map((_, i) => admission.take(1, patient(), `single ${i + 1}`));
      for (const one of singles) one.release();
      await tick();
      if (large.value) (large.value as Slots).release();
      singles = await Promise.all(next);
    }
    expect(large.value).toHaveProperty('count', 4);
  });

  it('a full queue gives a place of the caller with the most calls to a caller with fewer', async () => {
    const admission = createAdmission({ slots: 1, queue: 4 });
    const running = await admission.take(1, patient(), 'bulk');
    const bulk = [1, 2, 3, 4].map(() => watch(admission.take(1, patient(), 'bulk')));
    await expect(admission.take(1, patient(), 'bulk')).rejects.toBeInstanceOf(OverloadedError);
    const other = [1, 2].map(() => watch(admission.take(1, patient(), 'other')));
    await expect(admission.take(1, patient(), 'other')).rejects.toBeInstanceOf(OverloadedError);
    await tick();
    expect(bulk.map(({ value }) => value instanceof OverloadedError)).toEqual([false, false, true, true]);
    expect([other[0]!.value, other[1]!.value, admission.queued]).toEqual([undefined, undefined, 4]);
    running.release();
  });

  it('never refuses the only waiting call of a caller for another, so the queue never exceeds its size', async () => {
    const admission = createAdmission({ slots: 1, queue: 2 });
    await admission.take(1, patient(), 'one');
    const waiting = ['two', 'three'].map((caller) => watch(admission.take(1, patient(), caller)));
    await expect(admission.take(1, patient(), 'four')).rejects.toBeInstanceOf(OverloadedError);
    await tick();
    expect([...waiting.map(({ value }) => value), admission.queued]).toEqual([undefined, undefined, 2]);
  });

  it('reserves slots for callers without one', async () => {
    const admission = createAdmission({ slots: 4, queue: 100, reserved: 1 });
    const bulk = await Promise.all([1, 2, 3].map(() => admission.take(1, patient(), 'bulk')));
    const more = watch(admission.take(1, patient(), 'bulk'));
    await tick();
    expect(more.value).toBeUndefined();
    expect(await admission.take(1, patient(), 'other')).toHaveProperty('count', 1);
    expect(admission.running).toBe(4);
    bulk[0]!.release();
    await tick();
    expect(more.value, 'three slots are taken, and the last one is reserved').toBeUndefined();
    bulk[1]!.release();
    await tick();
    expect(more.value).toHaveProperty('count', 1);
  });

  it('never runs more than its slots and loses no call, whoever calls', async () => {
    for (let seed = 1; seed <= 100; seed++) {
      const next = random(seed);
      const slots = 2 + Math.floor(next() * 8);
      const admission = createAdmission({ slots, queue: Math.floor(next() * 12), share: 2, reserved: 1 });
      const held = new Set<Slots>();
      const aborts: AbortController[] = [];
      const settled: Promise<unknown>[] = [];
      for (let step = 0; step < 150; step++) {
        if (next() < 0.6) {
          const abort = new AbortController();
          aborts.push(abort);
          const taken = admission.take(1 + Math.floor(next() * 8), abort.signal, `caller ${Math.floor(next() * 3)}`);
          settled.push(taken.then((granted) => held.add(granted)).catch(() => undefined));
        } else if (next() < 0.8) {
          const [one] = held;
          if (one) held.delete(one);
          one?.release();
        } else aborts[Math.floor(next() * aborts.length)]?.abort(new CancelledError());
        await Promise.resolve();
        await Promise.resolve();
        const sum = [...held].reduce((total, one) => total + one.count, 0);
        expect(admission.running, `seed ${seed}`).toBeLessThanOrEqual(slots);
        expect(sum, `seed ${seed}`).toBeLessThanOrEqual(slots);
      }
      while (admission.running > 0 || admission.queued > 0) {
        await tick();
        for (const one of held) one.release();
        held.clear();
      }
      await Promise.all(settled);
      expect([admission.running, admission.queued], `seed ${seed}`).toEqual([0, 0]);
    }
  });
});
