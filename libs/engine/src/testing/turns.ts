import { expect, it } from 'vitest';
import type { GenerateEvent, Turn } from '../index.ts';
import { collect, open, samplesOf, sharedAbort, type Shared } from './calls.ts';
import { checkEvents } from './event-order.ts';
import type { EngineSuite } from './samples.ts';

/** Turns of clients, where sequences wait for a slot: `generate`. */
export function describeTurns(suite: EngineSuite, shared: Shared): void {
  if (suite.samples.generate === undefined) return;

  it('a client whose request fills all slots, and waits for as many again, delays another client by one turn', async () => {
    const { engine, info } = shared;
    const { quick, long } = samplesOf(suite, 'generate');
    const all = sharedAbort();
    const turn: Turn = { caller: 'one', request: '1' };
    const calls = Array.from({ length: 2 * info.slots }, () => {
      const own = sharedAbort();
      const signal = AbortSignal.any([all.signal, own.signal]);
      const events = open(engine, 'generate', long, { signal, turn })[Symbol.asyncIterator]();
      return { events, cancel: () => own.abort() };
    });
    try {
      for (const { events } of calls) expect((await events.next()).value).toMatchObject({ type: 'start' });
      const running = await firstToRun(calls, info.slots);

      const events = open(engine, 'generate', quick, { turn: { caller: 'other', request: '1' } })[
        Symbol.asyncIterator
      ]();
      const start = (await events.next()).value as GenerateEvent;
      expect(start).toMatchObject({ type: 'start' });
      // One free slot for the turn of the first client, one for the other client.
      for (const { cancel } of running.slice(0, 2)) cancel();
      const rest = await collect({ [Symbol.asyncIterator]: () => events });
      checkEvents('generate', quick, [start, ...rest]);
    } finally {
      all.abort();
    }
  });
}

/** The first `count` calls that send a further event: those that have a slot. */
async function firstToRun<C extends { readonly events: AsyncIterator<GenerateEvent> }>(
  calls: readonly C[],
  count: number,
): Promise<readonly C[]> {
  const running: C[] = [];
  await new Promise<void>((resolve, reject) => {
    for (const call of calls) {
      call.events.next().then(() => {
        running.push(call);
        if (running.length === count) resolve();
      }, reject);
    }
  });
  return running;
}
