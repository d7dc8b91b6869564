import type { CreateOptions, Host, ModelEntry } from '@xim/engine';
import { describe, expect, it } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import { checkOneapi, TASKS } from './check-oneapi.ts';
import { toWorkerSpec } from './oneapi-options.ts';

const host: Host = {
  vendor: 'GenuineIntel',
  cpuModel: '',
  isa: ['sse4_2', 'avx', 'avx2', 'avx512f'],
  cpus: [],
  memoryBytes: 1,
  availableMemoryBytes: 1,
};
const plain = { engine: 'oneapi', artifact: 'a', isa: ['avx2'] };
const amx = { engine: 'oneapi', artifact: 'b', isa: ['amx_bf16', 'avx512f'] };
const model = (more: Partial<ModelEntry>): ModelEntry => ({
  id: 'org/name',
  task: 'generate',
  licence: 'MIT',
  created: 1,
  artifacts: {},
  profiles: [plain],
  shape: {},
  ...more,
});

describe('checkOneapi', () => {
  it('takes the tasks that package.json promises', () => {
    expect(packageJson.xim.tasks).toEqual(TASKS);
  });

  it.each([
    ['the only profile', [plain], plain],
    ['the first that fits', [amx, plain], plain],
    ['none of another engine', [{ ...plain, engine: 'xft' }, plain], plain],
  ])('takes %s', (_, profiles, expected) => {
    expect(checkOneapi(host, model({ profiles }))).toBe(expected);
  });

  it.each([
    ['an instruction set', { profiles: [amx] }, ['amx_bf16 (found: sse4_2, avx, avx2, avx512f)'], /host with amx_bf16/],
    ['a profile', { profiles: [] }, ['a profile of org/name for the engine "oneapi"'], /Add a profile/],
    ['a handler', { task: 'speak' }, ['a handler for the task speak (has: generate, embed)'], /can do speak/],
  ] as const)('refuses for want of %s', (_, more, missing, advice) => {
    expect(checkOneapi(host, model(more))).toEqual({ missing, advice: expect.stringMatching(advice) });
  });

  it('takes any task of a service that brings its own handler, and nothing else on trust', () => {
    expect(checkOneapi(host, model({ task: 'speak' }), '/app/handler.py')).toBe(plain);
    expect(checkOneapi(host, model({ task: 'speak', profiles: [amx] }), '/app/handler.py')).toMatchObject({
      missing: ['amx_bf16 (found: sse4_2, avx, avx2, avx512f)'],
    });
  });

  it('lists everything that is missing, and asks for AVX2 whatever the profile says', () => {
    const old = { ...host, isa: ['sse4_2'] };
    expect(checkOneapi(old, model({ task: 'speak', profiles: [{ ...plain, isa: [] }] }))).toMatchObject({
      missing: ['a handler for the task speak (has: generate, embed)', 'avx2 (found: sse4_2)'],
    });
  });
});

describe('toWorkerSpec', () => {
  const options = { model: model({}), python: '/venv/bin/python', plan: { threads: 3 } } as CreateOptions;

  it.each([
    ['generate', ['generate', 'tokenize']],
    ['embed', ['embed']],
  ] as const)('runs the handler of %s', (task, tasks) => {
    const spec = toWorkerSpec({ ...options, model: model({ task }) }, ['/python', '/generation/python']);
    expect(spec).toMatchObject({ command: ['/venv/bin/python', '-m', 'xim_engine_oneapi', task], ranks: 1, tasks });
  });

  it('hands the service’s own handler to the worker, which need not tokenize', () => {
    const spec = toWorkerSpec({ ...options, handler: '/app/handler.py' }, ['/python', '/generation/python']);
    expect(spec).toMatchObject({
      command: ['/venv/bin/python', '-m', 'xim_engine_oneapi', 'generate', '/app/handler.py'],
      tasks: ['generate'],
    });
  });

  it('gives the worker a whole environment that stays off the network', () => {
    const { env } = toWorkerSpec(options, ['/python', '/generation/python']);
    expect(env).toMatchObject({
      PYTHONPATH: '/python:/generation/python',
      OMP_NUM_THREADS: '3',
      HF_HUB_OFFLINE: '1',
      OPENBLAS_NUM_THREADS: '1',
      TOKENIZERS_PARALLELISM: 'false',
    });
    expect(env['PATH']).toBeTruthy();
  });
});
