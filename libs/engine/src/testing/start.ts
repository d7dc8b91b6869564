import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Engine, EngineDeadError, EngineNotReadyError, EngineStartError, type LoadProgress } from '../index.ts';
import { collect, open, samplesOf, tasksOf } from './calls.ts';
import { checkEvents } from './event-order.ts';
import { watchJob } from './job-watch.ts';
import type { EngineSuite } from './samples.ts';

export function describeStart(suite: EngineSuite): void {
  describe('start and stop', () => {
    it('leads from starting to ready to dead, refuses calls before and after, reports what runs, and leaves nothing behind', async () => {
      const watch = watchJob();
      const engine = await suite.create();
      expect(watch.processes(), 'processes before start()').toEqual([]);
      expect(engine.state).toBe('starting');
      await expectFailure(suite, engine, EngineNotReadyError);
      const progress: LoadProgress[] = [];
      const starting = engine.start({ onProgress: (step) => progress.push(step) });
      await expectFailure(suite, engine, EngineNotReadyError);
      const info = await starting;
      expect(engine.state).toBe('ready');
      expect(watch.processes().length, 'processes of the job').toBeGreaterThan(0);
      expect(info).toMatchObject({
        engine: expect.stringMatching(/^[a-z0-9-]+$/),
        runtime: { name: expect.any(String), version: expect.any(String), isa: expect.any(String) },
        dtype: expect.any(String),
        verified: expect.any(Boolean),
      });
      expect(info.models.length).toBeGreaterThan(0);
      expect(info.slots).toBeGreaterThan(0);
      expect(info.loadSeconds).toBeGreaterThan(0);
      for (const { fraction = 0 } of progress) expect(fraction >= 0 && fraction <= 1, `${fraction}`).toBe(true);
      for (const task of tasksOf(suite)) {
        const { quick } = samplesOf(suite, task);
        checkEvents(task, quick, await collect(open(engine, task, quick)));
      }

      await engine.stop();
      expect(engine.state).toBe('dead');
      expect(await engine.exited).toMatchObject({ expected: true });
      await engine.stop();
      await expectFailure(suite, engine, EngineDeadError);
      await watch.expectNothingLeft();
    });

    it('stopped before start() is dead', async () => {
      const watch = watchJob();
      const engine = await suite.create();
      await engine.stop();
      expect(engine.state).toBe('dead');
      expect(await engine.exited).toMatchObject({ expected: true });
      await expect(engine.start()).rejects.toThrow();
      await expectFailure(suite, engine, EngineDeadError);
      await watch.expectNothingLeft();
    });

    // In the turn of start(), before the process runs, while it loads.
    it.each([0, 1, 20, 100])('stopped %i ms after start() began: start() rejects, nothing is left', async (wait) => {
      await expectStartEnds(suite, wait, (engine) => Promise.all([engine.stop(), engine.stop()]));
    });

    it.each([-1, 0, 30])('aborted %i ms after start() began: it rejects, nothing is left', async (wait) => {
      await expectStartEnds(suite, wait, (_, abort) => abort.abort());
    });
  });

  const { createFaulty } = suite;
  if (createFaulty === undefined) return;
  it.each(['permanent', 'passing'] as const)('a %s start error says so, and why', async (fault) => {
    const watch = watchJob();
    const engine = await createFaulty(fault);
    const error = await failureOf(engine.start());
    expectStartError(error);
    expect((error as EngineStartError).permanent).toBe(fault === 'permanent');
    expect((error as EngineStartError).lastWords.join('\n'), 'the worker explains itself in its log').toMatch(/\S/);
    expect(engine.state).toBe('dead');
    expect(await engine.exited).toMatchObject({ expected: false });
    await engine.stop();
    await watch.expectNothingLeft();
  });
}

/** Interrupts a start after `wait` ms; below 0, before it begins. */
async function expectStartEnds(
  suite: EngineSuite,
  wait: number,
  interrupt: (engine: Engine, abort: AbortController) => unknown,
): Promise<void> {
  const watch = watchJob();
  const engine = await suite.create();
  const abort = new AbortController();
  if (wait < 0) interrupt(engine, abort);
  const starting = failureOf(engine.start({ signal: abort.signal }));
  if (wait > 0) await delay(wait);
  watch.processes();
  // An engine may win the race and be ready; an interruption in the turn of start() it cannot miss.
  const isReady = engine.state === 'ready';
  await interrupt(engine, abort);
  const error = await starting;
  if (isReady && wait > 0) await engine.stop();
  else expectStartError(error);
  expect(engine.state).toBe('dead');
  expect(await engine.exited).toMatchObject({ expected: true });
  await watch.expectNothingLeft();
}

async function expectFailure(
  suite: EngineSuite,
  engine: Engine,
  type: { readonly name: string; isInstance(error: unknown): boolean },
): Promise<void> {
  for (const task of tasksOf(suite)) {
    const error = await failureOf(collect(open(engine, task, samplesOf(suite, task).quick)));
    expect(type.isInstance(error), `${task}: an ${type.name}: ${String(error)}`).toBe(true);
  }
}

/** The error, or undefined where there was none. */
function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

function expectStartError(error: unknown): void {
  expect(EngineStartError.isInstance(error), `an EngineStartError: ${String(error)}`).toBe(true);
}
