import type { CreateOptions, Host, Task } from '@xim/engine';
import { isRefusal } from '@xim/engine';
import { describe, expect, it } from 'vitest';
import { echo } from './echo-engine.ts';
import { echoModel } from './echo-models.ts';
import { type EchoOptions, toWorkerSpec } from './echo-options.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const plan = { threads: 1, slots: 4, queue: 8, kvCacheBytes: 0, batchTokens: 64, stallMs: 1000, reasons: [] };
const host: Host = {
  vendor: 'GenuineIntel',
  cpuModel: 'Xeon',
  isa: [],
  cpus: [],
  memoryBytes: 2 ** 30,
  availableMemoryBytes: 2 ** 30,
};

function toOptions(task: Task, options?: EchoOptions): CreateOptions {
  const model = echoModel(task, options);
  return { profile: model.profiles[0]!, plan, model, modelPath: '', python: '/venv/bin/python', log };
}

describe('toWorkerSpec', () => {
  const rank = (task: string) => ['/venv/bin/python', '-m', 'xim_engine_echo', task];
  const launched = (ranks: string) => ['/venv/bin/python', '-m', 'xim_engine_echo.ranks', ranks, ...rank('generate')];

  it.each<[Task, EchoOptions, string[], number, string[]]>([
    ['generate', {}, rank('generate'), 1, ['generate', 'tokenize']],
    ['generate', { ranks: 1, rate: 5 }, rank('generate'), 1, ['generate', 'tokenize']],
    ['generate', { ranks: 3 }, launched('3'), 3, ['generate', 'tokenize']],
    ['embed', {}, rank('embed'), 1, ['embed']],
    ['transcribe', {}, rank('transcribe'), 1, ['transcribe']],
    ['speak', {}, rank('speak'), 1, ['speak']],
    ['generateImage', {}, rank('generateImage'), 1, ['generateImage']],
  ])('%s with %j', (task, options, command, ranks, tasks) => {
    expect(toWorkerSpec(toOptions(task, options), ['/echo/python', '/generation/python'])).toEqual({
      command,
      ranks,
      tasks,
      env: expect.objectContaining({ PYTHONPATH: '/echo/python:/generation/python' }),
    });
  });
});

describe('check', () => {
  it('takes a model that was made for it, on any host', () => {
    const model = echoModel('embed', { dimensions: 8 });
    expect(echo.check(host, model)).toEqual({
      engine: 'echo',
      isa: [],
      options: { dimensions: 8 },
      verified: ['none'],
    });
  });

  it('refuses every other model, so that it is never chosen by itself', () => {
    const model = { ...echoModel('generate'), profiles: [{ engine: 'oneapi', isa: ['avx2'] }] };
    const outcome = echo.check(host, model);
    expect(isRefusal(outcome) && outcome.missing.join()).toContain('xim/echo-generate');
  });
});
