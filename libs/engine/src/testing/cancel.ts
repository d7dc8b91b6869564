import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CancelledError } from '../index.ts';
import { collect, isStreamed, open, samplesOf, type Shared, sharedAbort, tasksOf } from './calls.ts';
import { checkEvents } from './event-order.ts';
import type { EngineSuite } from './samples.ts';

type Iterator = AsyncIterator<{ readonly type: string }>;

/** A point in a call's life, and how the caller leaves there. Resolves when the call is over for the caller. */
interface Point {
  readonly name: string;
  readonly streamedOnly?: boolean;
  /** Calls beyond the slots: they wait in the engine, so no event of theirs may be waited for. */
  readonly queued?: boolean;
  leave(iterator: Iterator, abort: AbortController): Promise<void>;
}

const points: readonly Point[] = [
  {
    name: 'before it begins',
    queued: true,
    async leave(iterator, abort) {
      abort.abort();
      await expectCancelled(iterator.next());
    },
  },
  {
    name: 'in the turn in which it begins',
    queued: true,
    async leave(iterator, abort) {
      const first = iterator.next();
      abort.abort();
      await expectCancelled(first);
    },
  },
  {
    name: 'while its first event is waited for',
    queued: true,
    async leave(iterator, abort) {
      const first = iterator.next();
      const outcome = first.then(() => expectCancelled(iterator.next()), isCancelled);
      // The start event may win; then the next one is what fails.
      setImmediate(() => abort.abort());
      await outcome;
    },
  },
  ...[1, 2, 4].map((count): Point => ({
    name: `after event ${count}`,
    streamedOnly: true,
    async leave(iterator, abort) {
      await read(iterator, count);
      abort.abort();
      await expectCancelled(iterator.next());
    },
  })),
  {
    name: 'with events unread',
    streamedOnly: true,
    async leave(iterator, abort) {
      await read(iterator, 1);
      await delay(200);
      abort.abort();
      await expectCancelled(iterator.next());
    },
  },
  ...[1, 3].map((count): Point => ({
    name: `by leaving the loop after event ${count}`,
    streamedOnly: true,
    async leave(iterator) {
      await read(iterator, count);
      await iterator.return?.();
    },
  })),
  {
    name: 'by leaving the loop with events unread',
    streamedOnly: true,
    async leave(iterator) {
      await read(iterator, 1);
      await delay(200);
      await iterator.return?.();
    },
  },
];

export function describeCancel(suite: EngineSuite, shared: Shared): void {
  describe.each(tasksOf(suite))('cancelling %s', (task) => {
    const { quick, long } = samplesOf(suite, task);
    const expectQuick = async () => checkEvents(task, quick, await collect(open(shared.engine, task, quick)));

    for (const point of points.filter((each) => isStreamed(task) || !each.streamedOnly)) {
      it(`${point.name}: the call is over and its slot is free`, async () => {
        const { engine, info } = shared;
        // As many as there are slots (and more where that is possible): were they not freed, nothing would run after.
        const calls = Array.from({ length: info.slots + (point.queued ? 2 : 0) }, async () => {
          const abort = new AbortController();
          const iterator = open(engine, task, long, { signal: abort.signal })[Symbol.asyncIterator]();
          await point.leave(iterator, abort);
          expect(await iterator.next(), 'after the end').toMatchObject({ done: true });
        });
        await Promise.all(calls);
        await expectQuick();
      });
    }

    it('before iteration: a call that nobody reads is never sent', async () => {
      const { engine, info } = shared;
      const abort = sharedAbort();
      const calls = Array.from({ length: info.slots + 2 }, () => open(engine, task, long, { signal: abort.signal }));
      await expectQuick();
      abort.abort();
      for (const call of calls) await expectCancelled(call[Symbol.asyncIterator]().next());
    });

    it('after the end: nothing happens', async () => {
      const abort = new AbortController();
      checkEvents(task, quick, await collect(open(shared.engine, task, quick, { signal: abort.signal })));
      abort.abort();
      await expectQuick();
    });
  });
}

async function read(iterator: Iterator, count: number): Promise<void> {
  for (let event = 0; event < count; event++) {
    expect(await iterator.next(), 'the long sample goes on').toMatchObject({ done: false });
  }
}

async function expectCancelled(next: Promise<unknown>): Promise<void> {
  await next.then((result) => expect.fail(`Expected a CancelledError, but got ${JSON.stringify(result)}`), isCancelled);
}

function isCancelled(error: unknown): void {
  expect(CancelledError.isInstance(error), `a CancelledError: ${String(error)}`).toBe(true);
}
