import type { Host, ModelEntry } from '@xim/engine';
import { describe, expect, it } from 'vitest';
import { chooseCompanions, fetchCompanions } from './companions.ts';

const host: Host = { vendor: '', cpuModel: '', isa: ['avx2'], cpus: [], memoryBytes: 1, availableMemoryBytes: 1 };
const entry = (id: string, profiles: ModelEntry['profiles']): ModelEntry => ({
  ...{ id, task: 'transcribe', licence: 'MIT', created: 0, artifacts: {}, profiles, shape: {} },
});
const fast = { engine: 'echo', isa: ['avx512f'], artifact: 'fast' };
const plain = { engine: 'echo', isa: [], artifact: 'plain' };

describe('the models around the main one', () => {
  it('are all roles but `main`, each by the first profile that this host can run', () => {
    const models = { main: entry('a/main', [plain]), vad: entry('a/vad', [fast, plain]) };
    expect(chooseCompanions(models, 'echo', host)).toEqual({ vad: { model: models.vad, profile: plain } });
    expect(chooseCompanions({ main: models.main }, 'echo', host)).toEqual({});
  });

  it('that no profile can run end the start, by name and role', () => {
    const models = { main: entry('a/main', [plain]), speaker: entry('a/speaker', [fast]) };
    expect(() => chooseCompanions(models, 'echo', host)).toThrow(/a\/speaker \(role "speaker"\) has no profile/);
    expect(() => chooseCompanions(models, 'other', host)).toThrow(/"other"/);
  });

  it('come with the folders of their files', async () => {
    const vad = entry('a/vad', [plain]);
    const fetched = await fetchCompanions({ vad: { model: vad, profile: plain } }, async (model, { artifact }) => {
      return `/cache/${model.id}/${artifact}`;
    });
    expect(fetched).toEqual({ vad: { model: vad, profile: plain, modelPath: '/cache/a/vad/plain' } });
  });
});
