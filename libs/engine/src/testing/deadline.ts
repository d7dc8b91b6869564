import { describe, expect, it } from 'vitest';
import { DeadlineError, type Task } from '../index.ts';
import { abortAfter, collect, holdLong, isStreamed, open, samplesOf, type Shared, tasksOf } from './calls.ts';
import { checkEvents } from './event-order.ts';
import type { EngineSuite } from './samples.ts';

export function describeDeadline(suite: EngineSuite, shared: Shared): void {
  describe.each(tasksOf(suite))('the deadline of %s', (task) => {
    const { quick, long } = samplesOf(suite, task);
    const openLong = (ms: number) => open(shared.engine, task, long, { signal: abortAfter(ms) });
    const expectQuick = async () => checkEvents(task, quick, await collect(open(shared.engine, task, quick)));

    it('that has passed ends the call before it is sent', async () => {
      await expectDeadline(collect(openLong(0)));
      await expectQuick();
    });

    it('ends running calls and frees their slots', async () => {
      const calls = Array.from({ length: shared.info.slots }, () => collect(openLong(400)));
      await Promise.all(calls.map(expectDeadline));
      await expectQuick();
    });

    it('ends a call that waits for a slot', async () => {
      const held = holdLong(shared.engine, suite, task, shared.info.slots);
      await held.started;
      await expectDeadline(collect(openLong(400)));
      held.cancel();
      await held.settled;
      await expectQuick();
    });

    if (isStreamed(task)) describeUnread(suite, shared, task);
  });
}

function describeUnread(suite: EngineSuite, shared: Shared, task: Task): void {
  it('ends a call whose reader has stopped reading', async () => {
    const { quick, long } = samplesOf(suite, task);
    const abort = new AbortController();
    const call = open(shared.engine, task, long, { signal: abort.signal })[Symbol.asyncIterator]();
    expect((await call.next()).value).toMatchObject({ type: 'start' });
    abort.abort(new DeadlineError());
    // A whole call of another reader meanwhile.
    checkEvents(task, quick, await collect(open(shared.engine, task, quick)));
    await expectDeadline(call.next());
    expect(await call.next()).toMatchObject({ done: true });
    expect(shared.engine.state, task).toBe('ready');
  });
}

async function expectDeadline(call: Promise<unknown>): Promise<void> {
  const error = await call.then(
    () => 'no error',
    (reason: unknown) => reason,
  );
  expect(DeadlineError.isInstance(error), `a DeadlineError: ${String(error)}`).toBe(true);
}
