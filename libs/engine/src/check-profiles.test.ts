import { describe, expect, it } from 'vitest';
import { checkProfiles } from './check-profiles.ts';
import type { Host } from './host.ts';
import type { ModelEntry } from './model.ts';

const host: Host = {
  vendor: 'GenuineIntel',
  cpuModel: '',
  isa: ['sse4_2', 'avx', 'avx2', 'avx512f'],
  cpus: [],
  memoryBytes: 1,
  availableMemoryBytes: 1,
};
const check = checkProfiles({ name: 'fast', tasks: ['generate', 'embed'], isa: ['avx2'] });
const plain = { engine: 'fast', artifact: 'a', isa: ['avx2'] };
const amx = { engine: 'fast', artifact: 'b', isa: ['amx_bf16', 'avx512f'] };
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

describe('checkProfiles', () => {
  it.each([
    ['the only profile', [plain], plain],
    ['the first that fits', [amx, plain], plain],
    ['none of another engine', [{ ...plain, engine: 'xft' }, plain], plain],
  ])('takes %s', (_, profiles, expected) => {
    expect(check(host, model({ profiles }))).toBe(expected);
  });

  it.each([
    ['an instruction set', { profiles: [amx] }, ['amx_bf16 (found: sse4_2, avx, avx2, avx512f)'], /host with amx_bf16/],
    ['a profile', { profiles: [] }, ['a profile of org/name for the engine "fast"'], /Add a profile/],
    ['a handler', { task: 'speak' }, ['a handler for the task speak (has: generate, embed)'], /can do speak/],
  ] as const)('refuses for want of %s', (_, more, missing, advice) => {
    expect(check(host, model(more))).toEqual({ missing, advice: expect.stringMatching(advice) });
  });

  it('takes any task of a service that brings its own handler, and nothing else on trust', () => {
    expect(check(host, model({ task: 'speak' }), '/app/handler.py')).toBe(plain);
    expect(check(host, model({ task: 'speak', profiles: [amx] }), '/app/handler.py')).toMatchObject({
      missing: ['amx_bf16 (found: sse4_2, avx, avx2, avx512f)'],
    });
  });

  it('lists everything that is missing, and asks for what the engine needs whatever the profile says', () => {
    const old = { ...host, isa: ['sse4_2'] };
    expect(check(old, model({ task: 'speak', profiles: [{ ...plain, isa: [] }] }))).toMatchObject({
      missing: ['a handler for the task speak (has: generate, embed)', 'avx2 (found: sse4_2)'],
    });
  });
});
