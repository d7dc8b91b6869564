import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelEntry } from '@xim/engine';

const ROOT = join(import.meta.dirname, '../../../..');
const VENVS = process.env['XIM_VENVS'] ?? join(ROOT, '.venv');

/** The interpreter with the wheels of the engine. */
export const python = join(VENVS, 'ipex/bin/python');

/** The reason why no test can run here, or undefined. */
export const missing = existsSync(python)
  ? undefined
  : `${python} is missing: the start of a service on ipex makes it (PyTorch, 700 MB)`;

/** Small pipelines of the real architectures with random weights, by name, written into `folder`. */
export function writePipelines(folder: string, names: readonly string[]): void {
  const script = join(import.meta.dirname, '../../python/tests/tiny_pipelines.py');
  execFileSync(python, [script, folder, ...names], { stdio: ['ignore', 'ignore', 'pipe'] });
}

export const model: ModelEntry = {
  id: 'xim/tiny-pipeline',
  task: 'generateImage',
  licence: 'Apache-2.0',
  created: 1,
  artifacts: {},
  profiles: [{ engine: 'ipex', isa: [], options: { steps: 2 } }],
  shape: {},
};
