import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Engine, isRefusal, type ModelEntry, type Plan } from '@xim/engine';
import { oneapi } from '../oneapi-engine.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const log = { debug() {}, info() {}, warn() {}, error() {} };
const host = { vendor: '', cpuModel: '', isa: ['avx2'], cpus: [], memoryBytes: 2 ** 33, availableMemoryBytes: 2 ** 33 };
const plan: Plan = {
  threads: 2,
  slots: 4,
  queue: 256,
  kvCacheBytes: 2 ** 29,
  batchTokens: 512,
  stallMs: 60_000,
  reasons: [],
};

export interface Model {
  readonly entry: ModelEntry;
  readonly path: string;
}

/** The model that a service ships, fetched into the clone's cache where it is not there yet. */
export function modelOf(app: 'chat' | 'embedding'): Model {
  const file = join(ROOT, 'apps', app, 'models.json');
  const pull = ['libs/model-cache/src/bin.ts', 'pull', file, '--cache', join(ROOT, '.model_cache')];
  const path = execFileSync(process.execPath, ['--conditions=@xim/source', '--import=tsx', ...pull], {
    cwd: ROOT,
    encoding: 'utf8',
  }).trim();
  const { models } = JSON.parse(readFileSync(file, 'utf8')) as { models: { main: ModelEntry } };
  return { entry: models.main, path };
}

export interface EngineSettings {
  readonly plan?: Partial<Plan>;
  /** Added to the profile's. */
  readonly options?: object;
  /** Default: the environment that `npm start` makes. */
  readonly python?: string;
}

/** An engine in state `starting`. */
export function createEngine({ entry, path }: Model, settings: EngineSettings = {}): Engine {
  const profile = oneapi.check(host, entry);
  if (isRefusal(profile)) throw new Error(profile.missing.join());
  return oneapi.create({
    profile: { ...profile, options: { ...profile.options, ...settings.options } },
    plan: { ...plan, ...settings.plan },
    model: entry,
    modelPath: path,
    python: settings.python ?? join(ROOT, '.venv/oneapi/bin/python'),
    log,
  });
}
