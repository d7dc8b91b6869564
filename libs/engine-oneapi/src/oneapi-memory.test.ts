import type { ModelEntry, Profile } from '@xim/engine';
import { describe, expect, it } from 'vitest';
import { modelOf } from './__fixtures__/engines.ts';
import kvBytes from './__fixtures__/kv-bytes.json' with { type: 'json' };
import { oneapi } from './oneapi-engine.ts';

const profile: Profile = { engine: 'oneapi', artifact: 'files', isa: ['avx2'] };
const entry = (
  shape: ModelEntry['shape'],
  task: ModelEntry['task'] = 'generate',
  size = 1000,
  path = 'a.gguf',
): ModelEntry => ({
  id: 'org/model',
  task,
  licence: 'MIT',
  created: 1,
  artifacts: { files: { files: [{ path, size, sha256: '', sources: [] }] } },
  profiles: [profile],
  shape,
});
const heads = { layers: 30, kvHeads: 3, headDim: 64 };

describe('oneapi: memory', () => {
  // A Python test fills the cache of the CPU plugin with the same numbers.
  it.each(kvBytes)(
    '$bytesPerToken bytes a token of $layers × $kvHeads × $headDim, $kvCache',
    ({ bytesPerToken, kvCache, ...shape }) => {
      const asked = { ...profile, options: { kvCache } };
      expect(oneapi.memory(entry(shape), kvCache === undefined ? profile : asked).kvBytesPerToken).toBe(bytesPerToken);
    },
  );

  it('16-bit formats take the same', () => {
    const of = (kvCache: string) => oneapi.memory(entry(heads), { ...profile, options: { kvCache } }).kvBytesPerToken;
    expect([of('bf16'), of('f16'), of('f32')]).toEqual([23_040, 23_040, 46_080]);
  });

  it.each([
    ['twice a small GGUF file, whose 4-bit weights may become 8-bit ones', entry({}), 2000],
    ['one and a half times a larger one', entry({}, 'generate', 2 ** 31), 1.5 * 2 ** 31],
    ['one and a half times other files', entry({}, 'embed', 1000, 'a.onnx'), 1500],
    ["the model's own figure", entry({ weightBytes: 7 }), 7],
    ['nothing without files', { ...entry({}), artifacts: {} }, 0],
  ])('weights: %s', (_, model, weightBytes) => {
    expect(oneapi.memory(model, profile).weightBytes).toBe(weightBytes);
  });

  it('a token of the cache takes what the plugin gives it', () => {
    // 30 layers × 3 heads × (40 / 32 × 64 of keys + 64 + 8 of values).
    expect(oneapi.memory(entry(heads), profile).kvBytesPerToken).toBe(13_680);
    expect(oneapi.memory(entry(heads, 'embed'), profile).kvBytesPerToken).toBeUndefined();
    expect(oneapi.memory(entry({ layers: 30 }), profile).kvBytesPerToken).toBeUndefined();
  });

  it('a larger model computes fewer tokens a second', () => {
    const small = oneapi.memory(entry({ weightBytes: 1e9 }), profile).tokensPerThreadSecond!;
    expect(oneapi.memory(entry({ weightBytes: 4e9 }), profile).tokensPerThreadSecond).toBeCloseTo(small / 4);
    expect(oneapi.memory({ ...entry({}), artifacts: {} }, profile).tokensPerThreadSecond).toBeUndefined();
  });

  it('a voice has room between its layers for each sentence that is computed at once', () => {
    const reserve = (options: Profile['options']) =>
      oneapi.memory(entry({}, 'speak'), { ...profile, options }).reserveBytes;
    const sentence = 300 * 1024 ** 2;
    const { reserveBytes } = oneapi.memory(entry({}, 'embed'), profile);
    expect(reserve({})).toBe(reserveBytes + 3 * sentence);
    expect(reserve({ streams: 1 })).toBe(reserveBytes + sentence);
    expect(reserve({ streams: 4 })).toBe(reserveBytes + 5 * sentence);
  });

  it('the default model has all figures', () => {
    const { entry: model } = modelOf('chat');
    expect(oneapi.memory(model, model.profiles[0]!)).toMatchObject({
      kvBytesPerToken: 13_680,
      weightBytes: 196_724_864,
    });
  });
});
