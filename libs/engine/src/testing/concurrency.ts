import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CancelledError, type Task } from '../index.ts';
import { collect, holdLong, isStreamed, open, samplesOf, type Shared, tasksOf } from './calls.ts';
import { checkEvents } from './event-order.ts';
import type { EngineSuite, EventOf } from './samples.ts';

export function describeConcurrency(suite: EngineSuite, shared: Shared): void {
  describe.each(tasksOf(suite))('many calls of %s', (task) => {
    describeMany(suite, shared, task);
    if (isStreamed(task)) describeSlowReader(suite, shared, task);
    if (samplesOf(suite, task).large) describeSlowReaderOfBytes(suite, shared, task);
  });
}

function describeMany<T extends Task>(suite: EngineSuite, shared: Shared, task: T): void {
  const { quick, long, numbered } = samplesOf(suite, task);
  const count = suite.concurrent ?? 200;
  const numbers = Array.from({ length: count }, (_, number) => number);

  it(`${count} at once: each gets its own events, all of them`, async () => {
    const runs = numbers.map(async (number) => {
      const own = numbered?.(number);
      const input = own?.input ?? quick;
      const events = await collect(open(shared.engine, task, input));
      checkEvents(task, input, events);
      own?.check(events);
    });
    await Promise.all(runs);
  });

  it(`${count} at once, every other one cancelled somewhere: the rest is unharmed`, async () => {
    const runs = numbers.map(async (number) => {
      if (number % 2 === 0) {
        checkEvents(task, quick, await collect(open(shared.engine, task, quick)));
        return;
      }
      const abort = new AbortController();
      // Spread over the events of the call and the time before them, the same in every run.
      const after = number % 5;
      const timer = setTimeout(() => abort.abort(), (number * 37) % 400);
      const call = readSome(open(shared.engine, task, long, { signal: abort.signal }), after);
      await call.catch((error: unknown) => expect(CancelledError.isInstance(error), String(error)).toBe(true));
      clearTimeout(timer);
    });
    await Promise.all(runs);
  });
}

/** Leaves the loop after `count` events. */
async function readSome(call: AsyncIterable<unknown>, count: number): Promise<void> {
  let events = 0;
  for await (const _ of call) if (++events > count) return;
}

function describeSlowReader(suite: EngineSuite, shared: Shared, task: Task): void {
  it('a reader that stops reading holds no other, and misses nothing', async () => {
    const { engine } = shared;
    const { quick, long } = samplesOf(suite, task);
    const slow = open(engine, task, long)[Symbol.asyncIterator]();
    expect((await slow.next()).value).toMatchObject({ type: 'start' });
    for (let run = 0; run < 3; run++) checkEvents(task, quick, await collect(open(engine, task, quick)));
    for (let event = 0; event < 5; event++) expect(await slow.next()).toMatchObject({ done: false });
    await slow.return?.();
  });
}

function describeSlowReaderOfBytes<T extends Task>(suite: EngineSuite, shared: Shared, task: T): void {
  it('a reader of bytes that stops reading holds no other, keeps the engine alive, and misses nothing', async () => {
    const { engine } = shared;
    const { quick, large = quick } = samplesOf(suite, task);
    const expected = await collect(open(engine, task, large));
    checkEvents(task, large, expected);
    expect(bytesOf(expected), 'the large sample exceeds any credit').toBeGreaterThan(2 * 2 ** 20);

    const slow = open(engine, task, large)[Symbol.asyncIterator]();
    const events = [(await slow.next()).value as EventOf[T]];
    for (let run = 0; run < 3; run++) checkEvents(task, quick, await collect(open(engine, task, quick)));
    // The engine waits for the reader alone. That counts as progress, or supervision would take the engine for hung.
    for (let sign = 0; sign < 3; sign++) {
      const { lastProgress } = engine;
      await expect.poll(() => engine.lastProgress, { timeout: 20_000 }).toBeGreaterThan(lastProgress);
    }
    for (let next = await slow.next(); !next.done; next = await slow.next()) events.push(next.value);
    expect(events.map(withDigest)).toEqual(expected.map(withDigest));
  });

  it('readers of bytes that go away while they are waited for leave their slots', async () => {
    const { engine, info } = shared;
    const { quick, large = quick } = samplesOf(suite, task);
    const readers = Array.from({ length: info.slots }, () => open(engine, task, large)[Symbol.asyncIterator]());
    for (const reader of readers) await reader.next();
    const held = holdLong(engine, suite, task, 1);
    await delay(500);
    for (const reader of readers) await reader.return?.();
    await held.started;
    held.cancel();
    await held.settled;
    checkEvents(task, quick, await collect(open(engine, task, quick)));
  });
}

/** Comparing megabytes one by one takes a minute. */
function withDigest(event: object): object {
  return 'bytes' in event
    ? {
        ...event,
        bytes: createHash('sha1')
          .update(event.bytes as Uint8Array)
          .digest('hex'),
      }
    : event;
}

function bytesOf(events: readonly object[]): number {
  return events.reduce((sum, event) => sum + ('bytes' in event ? (event.bytes as Uint8Array).byteLength : 0), 0);
}
