import { describe, expect, it } from 'vitest';
import { type Engine, EngineDeadError, type Task } from '../index.ts';
import { collect, holdLong, isStreamed, open, samplesOf, tasksOf } from './calls.ts';
import { type JobWatch, watchJob } from './job-watch.ts';
import type { EngineSuite } from './samples.ts';

export function describeDeath(suite: EngineSuite): void {
  describe('death', () => {
    // Of a job of several processes any may die; the leader's and the youngest's deaths look most different.
    it.each([
      ['the first process', 0],
      ['the last process', -1],
    ])('of %s of the job ends every open call, and the engine for good', async (_, which) => {
      const watch = watchJob();
      const engine = await suite.create();
      await engine.start();
      const unsent = tasksOf(suite).map((task) => open(engine, task, samplesOf(suite, task).quick));
      const calls = await openCalls(suite, engine);

      process.kill(watch.processes().slice(0, suite.ranks).at(which)!, 'SIGKILL');
      const exit = await engine.exited;
      expect(exit).toMatchObject({ expected: false, reason: expect.stringMatching(/\S/) });
      expect(engine.state).toBe('dead');
      for (const error of (await Promise.all(calls)).flat()) expectDead(error);
      for (const call of unsent) expectDead(await failureOf(collect(call)));
      await expectDeadForGood(suite, engine, watch);
    });

    it('when stopped, of open calls', async () => {
      const watch = watchJob();
      const engine = await suite.create();
      await engine.start();
      const calls = await openCalls(suite, engine);
      await Promise.all([engine.stop(), engine.stop()]);
      expect(await engine.exited).toMatchObject({ expected: true });
      for (const error of (await Promise.all(calls)).flat()) expectDead(error);
      await expectDeadForGood(suite, engine, watch);
    });

    it('of a job that hangs: progress stands still, and stop() ends it all the same', async () => {
      const watch = watchJob();
      const engine = await suite.create();
      await engine.start();
      const calls = await openCalls(suite, engine);
      // A stopped process answers nothing and obeys nothing but SIGKILL, as one that is stuck in native code.
      for (const pid of watch.processes()) process.kill(pid, 'SIGSTOP');
      // Frames that were sent before may still arrive.
      await expect.poll(() => performance.now() - engine.lastProgress, { timeout: 20_000 }).toBeGreaterThan(1000);
      expect(engine.state, 'the engine does not judge whether it hangs').toBe('ready');
      await engine.stop();
      for (const error of (await Promise.all(calls)).flat()) expectDead(error);
      await expectDeadForGood(suite, engine, watch);
    });
  });
}

/** Per task: calls that are read, more than there are slots, and one whose reader stopped. Resolve to their errors. */
async function openCalls(suite: EngineSuite, engine: Engine): Promise<Promise<unknown>[]> {
  const held = tasksOf(suite).map((task) => holdLong(engine, suite, task, 20));
  await Promise.all(held.map(({ started }) => started));
  return [
    ...held.map(({ settled }) => settled),
    ...tasksOf(suite)
      .filter(isStreamed)
      .map((task) => readLate(suite, engine, task)),
  ];
}

/** Reads nothing before the engine is dead; what had been received by then may still be read. */
async function readLate(suite: EngineSuite, engine: Engine, task: Task): Promise<unknown> {
  const call = open(engine, task, samplesOf(suite, task).long)[Symbol.asyncIterator]();
  const first = call.next().catch((error: unknown) => ({ error }));
  await engine.exited;
  const outcome = await first;
  if ('error' in outcome) return outcome.error;
  return failureOf(
    (async () => {
      while (!(await call.next()).done);
    })(),
  );
}

async function expectDeadForGood(suite: EngineSuite, engine: Engine, watch: JobWatch): Promise<void> {
  expect(engine.state).toBe('dead');
  for (const task of tasksOf(suite))
    expectDead(await failureOf(collect(open(engine, task, samplesOf(suite, task).quick))));
  await engine.stop();
  await expect(engine.start()).rejects.toThrow();
  expect(engine.state).toBe('dead');
  await watch.expectNothingLeft();
}

function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => 'no error',
    (error: unknown) => error,
  );
}

function expectDead(error: unknown): void {
  expect(EngineDeadError.isInstance(error), `an EngineDeadError: ${String(error)}`).toBe(true);
}
