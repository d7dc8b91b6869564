import { readFileSync } from 'node:fs';
import type { ModelEntry } from '@xim/engine';
import { describe, expect, it } from 'vitest';
import { oneapiWork } from './oneapi-work.ts';

const named = (path: string, artifact = 'files'): number => {
  const model: ModelEntry = {
    ...{ id: 'org/model', task: 'generate', licence: 'MIT', created: 1, profiles: [], shape: {} },
    artifacts: { [artifact]: { files: [{ path, size: 1000, sha256: '', sources: [] }] } },
  };
  return oneapiWork(model, { engine: 'oneapi', artifact, isa: [] })!.operations;
};

/** The main model of a service. */
function mainOf(app: string): ModelEntry {
  const file = new URL(`../../../apps/${app}/models.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { models: { main: ModelEntry } }).models.main;
}

describe('oneapi: work', () => {
  it.each([
    ['a.Q4_K_M.gguf', 4.5],
    ['a.Q4_1.gguf', 5],
    ['a.Q8_0.gguf', 8.5],
    ['a-bf16.gguf', 16],
    ['model.onnx', 32],
  ])('%s has weights of %d bits', (path, bits) => {
    expect(named(path)).toBeCloseTo((2 * 8000) / bits);
  });

  it('of a mixture of experts counts the experts that a token uses', () => {
    const model = mainOf('chat');
    const [profile] = model.profiles;
    const all = oneapiWork(model, profile!)!;
    const some = oneapiWork({ ...model, shape: { ...model.shape, activeShare: 0.25 } }, profile!)!;
    expect([some.bytes, some.operations]).toEqual([all.bytes / 4, all.operations / 4]);
  });

  it('the kind may stand in the name of the artifact', () => {
    expect(named('openvino_model.bin', 'openvino-int8')).toBe(named('a.Q8_0.gguf'));
  });

  it.each([
    // 135 million weights and the scales of their blocks; 10.6 of 22.7 million weights of the encoder for 55 tokens.
    ['chat', 2 * 157e6, 0.02],
    ['embedding', 2 * 10.6e6 * 55, 0.1],
    // 94 billion operations for a window of 30 s of whisper-base.
    ['whisperx', 94e9 / 30, 0.2],
    ['speech', 9.2e9, 0.02],
  ])('of %s is that of its network', (app, operations, part) => {
    const entry = mainOf(app);
    const found = oneapiWork(entry, entry.profiles[0]!)!.operations;
    expect(Math.abs(found / operations - 1)).toBeLessThan(part);
  });
});
