import { createHash } from 'node:crypto';
import type { ModelEntry, ModelFile } from '@xim/engine';

export const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

export function makeFile(path: string, content: Buffer, ...sources: string[]): ModelFile {
  return { path, size: content.length, sha256: sha256(content), sources };
}

/** A model with one artifact, `main`. */
export function makeModel(files: readonly ModelFile[], more: Partial<ModelEntry> = {}): ModelEntry {
  return {
    id: 'org/tiny',
    task: 'embed',
    licence: 'Apache-2.0',
    created: 1,
    artifacts: { main: { files } },
    profiles: [{ engine: 'echo', artifact: 'main', isa: [] }],
    shape: {},
    ...more,
  };
}

/** Bytes that do not compress and do not repeat, the same at every run. */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[index] = state >>> 16;
  }
  return bytes;
}
