import type { ModelEntry, Profile } from '@xim/engine';
import { describe, expect, it } from 'vitest';
import { ipexMemory } from './ipex-memory.ts';

const GIGA = 1e9;
const entry = (task: ModelEntry['task'], size = 2.14 * GIGA): ModelEntry => ({
  ...{ id: 'org/model', task, licence: 'MIT', created: 1, profiles: [], shape: {} },
  artifacts: { files: { files: [{ path: 'a.safetensors', size, sha256: '', sources: [] }] } },
});
const profile = (options: Profile['options'] = {}): Profile => ({
  engine: 'ipex',
  artifact: 'files',
  isa: [],
  options,
});
const work = (task: ModelEntry['task'], options?: Profile['options']) => ipexMemory(entry(task), profile(options)).work;

describe('ipex: work', () => {
  // Stable Diffusion 1.5: 1.07 billion weights. Four steps of 0.68 and a decoder of 2.5 trillion operations.
  it('of a picture is its steps and its decoder', () => {
    expect(work('generateImage', { steps: 4 })!.operations / 1e12).toBeCloseTo(4 * 0.685 + 2.51, 1);
    expect(work('generateImage', { steps: 4, guidance: 7.5 })!.operations / 1e12).toBeCloseTo(8 * 0.685 + 2.51, 1);
    const small = work('generateImage', { steps: 4, size: '256x256' })!;
    expect([small.serialCycles, work('generateImage', { steps: 5 })!.serialCycles]).toEqual([74e6, 80e6]);
    expect(work('generateImage', { steps: 4 })!.operations / small.operations).toBeCloseTo(4);
  });

  it('of a token is every weight once', () => {
    expect(work('generate')).toMatchObject({ bytes: 2.14 * GIGA, operations: 2.14 * GIGA });
  });

  it('is unknown without files, and for tasks of other engines', () => {
    expect(ipexMemory({ ...entry('generate'), artifacts: {} }, profile()).work).toBeUndefined();
    expect(work('speak')).toBeUndefined();
  });
});
