import type { ModelEntry } from '@xim/engine';
import { planFor } from '@xim/host-plan';
import { describe, expect, it } from 'vitest';
import { xftMemory } from './xft-memory.ts';
import type { XftOptions } from './xft-options.ts';

const GIB = 2 ** 30;
const file = { path: 'model.wte.bin', size: 16 * GIB, sha256: '', sources: [] };
/** The shape of an 8-billion-parameter Llama, with files in 16 bits. */
const model: ModelEntry = {
  id: 'org/llama',
  task: 'generate',
  licence: 'MIT',
  created: 1,
  artifacts: { xft: { files: [file] } },
  profiles: [],
  shape: { contextLength: 131_072, layers: 32, kvHeads: 8, headDim: 128 },
};
const needs = (options: XftOptions) =>
  xftMemory(model, { engine: 'xft', artifact: 'xft', isa: [], options: { ...options } });

describe('xft: memory', () => {
  it.each([
    [{ dtype: 'bf16' }, 16],
    [{ dtype: 'int8' }, 8],
    [{ dtype: 'nf4' }, 4],
    [{ dtype: 'bf16_int8' }, 24],
    [{ dtype: 'bf16', weights: 'fp32' }, 8],
    [{ dtype: 'fp8_e4m3' }, 8],
    [{ dtype: 'fp8_e4m3', weights: 'fp8_e4m3' }, 16],
  ] as const)('weights of %j', (options, expected) => {
    expect(needs(options).weightBytes).toBe(expected * GIB);
  });

  it('keys and values take two bytes, or one and their scale', () => {
    expect(needs({}).kvBytesPerToken).toBe(2 * 32 * 8 * 128 * 2);
    expect(needs({ kvDtype: 'bf16' }).kvBytesPerToken).toBe(2 * 32 * 8 * 128 * 2);
    expect(needs({ kvDtype: 'int8' }).kvBytesPerToken).toBe(2 * 32 * 8 * (128 + 4));
    expect(xftMemory({ ...model, shape: {} }, { engine: 'xft', isa: [] }).kvBytesPerToken).toBeUndefined();
  });

  it('slots are planned by whole sequences, and the stall time by a whole prompt', () => {
    const cpus = Array.from({ length: 16 }, (_, id) => ({ id, core: id, socket: 0, node: 0 }));
    const host = { vendor: '', cpuModel: '', isa: [], cpus, memoryBytes: 64 * GIB, availableMemoryBytes: 64 * GIB };
    const plan = (options: XftOptions) => planFor({ host, model, memory: needs(options) });
    // A sequence of 8192 tokens takes a gibibyte, and half of what is left is for the cache.
    expect(plan({ dtype: 'bf16' })).toMatchObject({ slots: 23 });
    expect(plan({ dtype: 'bf16', contextLength: 32_768 }).slots).toBe(5);
    expect(plan({ dtype: 'bf16', contextLength: 32_768 }).stallMs).toBeGreaterThan(plan({ dtype: 'bf16' }).stallMs);
  });
});
