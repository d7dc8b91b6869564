import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelEntry } from '@xim/engine';
import { python } from './pipelines.ts';

/** A small model of Llama's architecture with random weights and a token for each byte, and its removal. */
export function writeLanguageModel(): { path: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'xim-language-model-'));
  const script = join(import.meta.dirname, '../../python/tests/tiny_language_models.py');
  execFileSync(python, [script, folder, 'llama'], { stdio: ['ignore', 'ignore', 'pipe'] });
  return { path: join(folder, 'llama'), remove: () => rmSync(folder, { recursive: true }) };
}

export const languageModel: ModelEntry = {
  id: 'xim/tiny-language-model',
  task: 'generate',
  licence: 'Apache-2.0',
  created: 1,
  artifacts: {},
  profiles: [{ engine: 'ipex', isa: [], options: { dtype: 'f32' } }],
  shape: { contextLength: 32_768, layers: 2, kvHeads: 2, headDim: 16 },
};
