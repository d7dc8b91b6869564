import type { ModelEntry, Profile } from '@xim/engine';
import { expect, it } from 'vitest';
import { ipexMemory } from './ipex-memory.ts';

const files = [{ path: 'model.safetensors', size: 1000, sha256: '', sources: [] }];
const shape = { layers: 2, kvHeads: 2, headDim: 16 };
const entry = (task: ModelEntry['task'], more: Partial<ModelEntry> = {}): ModelEntry => ({
  ...{ id: 'org/model', task, licence: 'MIT', created: 1, artifacts: { files: { files } }, profiles: [], shape },
  ...more,
});
const profile = (options?: Profile['options']): Profile => ({
  engine: 'ipex',
  artifact: 'files',
  isa: [],
  ...(options && { options }),
});

// A Python test holds the blocks of a model of this shape to the same bytes.
it.each([
  ['f32 where the host decides', undefined, 2 * 2 * 2 * 16 * 4],
  ['bf16 where the profile names it', { dtype: 'bf16' }, 2 * 2 * 2 * 16 * 2],
])('a token takes its keys and values in %s', (_, options, bytes) => {
  expect(ipexMemory(entry('generate'), profile(options))).toMatchObject({ kvBytesPerToken: bytes, weightBytes: 2000 });
});

it('a larger model computes fewer tokens in a second; a model without files has no rate', () => {
  const rate = (weightBytes: number) =>
    ipexMemory(entry('generate', { shape: { weightBytes } }), profile()).tokensPerThreadSecond;
  expect(rate(2e9)! / rate(4e9)!).toBeCloseTo(2);
  expect(ipexMemory(entry('generate', { artifacts: {} }), profile()).tokensPerThreadSecond).toBeUndefined();
});

it('pictures and vectors have no cache of keys and values', () => {
  for (const task of ['embed', 'generateImage'] as const)
    expect(ipexMemory(entry(task), profile())).not.toHaveProperty('kvBytesPerToken');
});

it('OpenVINO keeps the weights of pictures in a layout of its own', () => {
  const bytes = (networks?: string) =>
    ipexMemory(entry('generateImage'), profile(networks ? { networks } : {})).weightBytes;
  expect(bytes()).toBe(bytes('openvino'));
  expect(bytes()).toBe(2.25 * bytes('pytorch'));
});
