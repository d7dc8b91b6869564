import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Engine,
  EngineDeadError,
  EngineRequestError,
  EngineStartError,
  type LoadProgress,
  type Task,
} from '@xim/engine';
import { watchJob } from '@xim/engine/testing';
import { describe, expect, it } from 'vitest';
import { echo } from './echo-engine.ts';
import { echoModel } from './echo-models.ts';
import type { EchoOptions } from './echo-options.ts';
import { python } from './__fixtures__/python.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const plan = { threads: 1, slots: 2, queue: 8, kvCacheBytes: 0, batchTokens: 64, stallMs: 1000, reasons: [] };
const call = () => ({ id: 'test', signal: new AbortController().signal });

/** Runs `use` with a ready engine; then nothing of the engine may be left. */
async function withEngine(task: Task, options: EchoOptions, use: (engine: Engine) => Promise<void>): Promise<void> {
  const watch = watchJob();
  const model = echoModel(task, options);
  const engine = echo.create({ profile: model.profiles[0]!, plan, model, modelPath: '', python, log });
  await engine.start();
  watch.processes();
  try {
    await use(engine);
  } finally {
    await engine.stop();
    await watch.expectNothingLeft();
  }
}

/** The types of the events that came, and the error that ended them. */
async function generate(engine: Engine): Promise<{ types: string[]; error?: unknown }> {
  const types: string[] = [];
  try {
    for await (const event of engine.generate!({ prompt: { text: 'a b c d e f' } }, call())) types.push(event.type);
    return { types };
  } catch (error) {
    return { types, error };
  }
}

describe('faults', { timeout: 60_000 }, () => {
  it.each<[EchoOptions['faults'] & object, object, RegExp]>([
    [{ dieAfterTokens: 3, exitCode: 5 }, { code: 5 }, /code 5/],
    [{ dieAfterTokens: 3, signal: 'SIGSEGV' }, { signal: 'SIGSEGV' }, /SIGSEGV/],
  ])('%j: three tokens, then death', async (faults, exit, reason) => {
    await withEngine('generate', { faults }, async (engine) => {
      const { types, error } = await generate(engine);
      expect(types).toEqual(['start', 'text-delta', 'text-delta', 'text-delta']);
      expect(EngineDeadError.isInstance(error), String(error)).toBe(true);
      const { lastWords, ...how } = await engine.exited;
      expect(how).toMatchObject({ ...exit, expected: false, reason: expect.stringMatching(reason) });
      expect(lastWords[0]).toBe('dying after 3 tokens, as the profile asks');
    });
  });

  it('a rank that dies ends the whole job', async () => {
    await withEngine('generate', { ranks: 3, faults: { dieAfterTokens: 0, exitCode: 6 } }, async (engine) => {
      expect(EngineDeadError.isInstance((await generate(engine)).error)).toBe(true);
      expect(await engine.exited).toMatchObject({ expected: false, code: 6 });
    });
  });

  it('hangAfterTokens: no sign of progress, and the engine can still be stopped', async () => {
    await withEngine('generate', { faults: { hangAfterTokens: 2 } }, async (engine) => {
      const hanging = generate(engine);
      await expect.poll(() => performance.now() - engine.lastProgress, { timeout: 20_000 }).toBeGreaterThan(700);
      await engine.stop();
      const { types, error } = await hanging;
      expect(types).toEqual(['start', 'text-delta', 'text-delta']);
      expect(EngineDeadError.isInstance(error), String(error)).toBe(true);
    });
  });

  it.each<Task>(['generate', 'embed'])('failCalls: that call of %s fails, the engine lives', async (task) => {
    await withEngine(task, { faults: { failCalls: 1 } }, async (engine) => {
      const run = async () =>
        task === 'embed' ? engine.embed!({ items: [{ text: 'a' }] }, call()) : (await generate(engine)).error;
      const error = await run().catch((reason: unknown) => reason);
      expect(EngineRequestError.isInstance(error), String(error)).toBe(true);
      expect(await run()).not.toBeInstanceOf(Error);
    });
  });

  it('startDelay: loading takes that long and tells its progress', async () => {
    const watch = watchJob();
    const model = echoModel('speak', { startDelay: 0.3 });
    const engine = echo.create({ profile: model.profiles[0]!, plan, model, modelPath: '', python, log });
    const progress: LoadProgress[] = [];
    const { loadSeconds } = await engine.start({ onProgress: (step) => progress.push(step) });
    await engine.stop();
    await watch.expectNothingLeft();
    expect(loadSeconds).toBeGreaterThan(0.3);
    expect(progress.length).toBeGreaterThan(1);
    expect(progress.at(-1)?.fraction).toBe(1);
  });
});

it.each<Task>(['generate', 'speak'])('a Python without the wheels is told of at the start of %s', async (task) => {
  const folder = mkdtempSync(join(tmpdir(), 'xim-bare-'));
  const bare = join(folder, 'python3');
  writeFileSync(bare, '#!/bin/sh\nexec python3 -S "$@"\n');
  chmodSync(bare, 0o755);
  const model = echoModel(task);
  const engine = echo.create({ profile: model.profiles[0]!, plan, model, modelPath: '', python: bare, log });
  const error: unknown = await engine.start().catch((reason: unknown) => reason);
  rmSync(folder, { recursive: true });
  expect(EngineStartError.isInstance(error), String(error)).toBe(true);
  expect(error).toMatchObject({ permanent: true, message: expect.stringMatching(/has no \w+, .*npm test.*XIM_VENVS/) });
});
