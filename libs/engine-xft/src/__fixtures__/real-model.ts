import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CreateOptions, type Engine, isRefusal, type ModelEntry, type Plan, type Profile } from '@xim/engine';
import { readHost } from '@xim/host-plan';
import { describe, it } from 'vitest';
import { xft } from '../xft-engine.ts';
import type { XftOptions } from '../xft-options.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const VENVS = process.env['XIM_VENVS'] ?? join(ROOT, '.venv');
export const python = join(VENVS, 'xft/bin/python');
export const host = readHost();

export const log = { debug() {}, info() {}, warn() {}, error() {} };
export const plan: Plan = {
  threads: Math.min(2, host.cpus.length),
  slots: 8,
  queue: 256,
  kvCacheBytes: 0,
  batchTokens: 512,
  stallMs: 60_000,
  reasons: [],
};

/** SmolLM2-135M as `gguf_to_xft.py` writes it. */
export const entry = (options: XftOptions = {}): ModelEntry => ({
  id: 'HuggingFaceTB/SmolLM2-135M-Instruct',
  task: 'generate',
  licence: 'Apache-2.0',
  created: 1,
  artifacts: {},
  profiles: [{ engine: 'xft', isa: [], options: { dtype: 'bf16', ...options }, verified: ['amx_bf16'] }],
  shape: { contextLength: 8192, layers: 30, kvHeads: 3, headDim: 64 },
});

/** Why the library cannot be tried here; undefined where it can. */
export function whyNot(): string | undefined {
  const profile = xft.check(host, entry());
  if (isRefusal(profile)) return `cpu:avx512: the host lacks ${profile.missing.join(', ')}`;
  if (!existsSync(python)) return `wheels:xft: ${python} is not there: XIM_ENGINE=xft npm start vllm-xft installs it`;
  if (!packagesOf(join(VENVS, 'xft')).includes('xfastertransformer'))
    return `wheels:xft: ${python} has no xfastertransformer`;
  if (ggufFile() === undefined)
    return 'wheels:xft: SmolLM2-135M-Instruct is not in the model cache: npx xim-models pull apps/chat/models.json';
  return undefined;
}

function ggufFile(): string | undefined {
  const cache = process.env['XIM_MODEL_CACHE'] ?? join(ROOT, '.model_cache');
  const snapshots = join(cache, 'models--HuggingFaceTB--SmolLM2-135M-Instruct/snapshots');
  return listed(snapshots)
    .flatMap((folder) => listed(join(snapshots, folder)).map((file) => join(snapshots, folder, file)))
    .find((file) => file.endsWith('.Q4_1.gguf'));
}

function packagesOf(environment: string): string[] {
  const lib = join(environment, 'lib');
  return listed(lib).flatMap((version) => listed(join(lib, version, 'site-packages')));
}

function listed(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** A folder with the model, and its removal. */
export function makeModel(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'xim-xft-model-'));
  const folders = ['engine-oneapi', 'generation', 'worker'].map((name) => join(ROOT, 'libs', name, 'python'));
  const script = join(ROOT, 'libs/engine-xft/src/__fixtures__/gguf_to_xft.py');
  execFileSync(join(VENVS, 'oneapi/bin/python'), [script, ggufFile()!, path], {
    env: { PYTHONPATH: folders.join(':'), PATH: '/usr/bin:/bin' },
  });
  return { path, remove: () => rmSync(path, { recursive: true }) };
}

export interface EngineSettings extends Partial<Pick<CreateOptions, 'python' | 'modelPath'>> {
  readonly plan?: Partial<Plan>;
  readonly options?: XftOptions;
}

/** An engine in state `starting`. */
export function createEngine({ plan: more, options, ...rest }: EngineSettings): Engine {
  const model = entry(options);
  const profile = xft.check(host, model);
  if (isRefusal(profile)) throw new Error(profile.missing.join());
  const taken: Profile = { ...profile, options: { ...profile.options, ...options } };
  return xft.create({ profile: taken, plan: { ...plan, ...more }, model, modelPath: '', python, log, ...rest });
}

/** A suite that runs on the library itself, or one skipped test that prints why it cannot. */
export function describeLibrary(title: string, suite: () => void): void {
  const reason = whyNot();
  describe(title, () => {
    if (reason === undefined) suite();
    else it('is tried', (context) => context.skip(reason));
  });
}
