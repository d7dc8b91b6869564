import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Companion, type Engine, isRefusal, type ModelEntry, type Plan, type Profile } from '@xim/engine';
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
  readonly companions?: Readonly<Record<string, Companion>>;
}

/** The models that a service ships, fetched into the clone's cache where they are not there yet. */
export function modelOf(app: 'chat' | 'embedding' | 'speech' | 'whisperx'): Model {
  const file = join(ROOT, 'apps', app, 'models.json');
  const pull = ['libs/model-tools/src/bin.ts', 'pull', file, '--cache', process.env['XIM_MODEL_CACHE']!];
  const paths = execFileSync(process.execPath, ['--conditions=@xim/source', '--import=tsx', ...pull], {
    cwd: ROOT,
    encoding: 'utf8',
  })
    .trim()
    .split('\n');
  const { models } = JSON.parse(readFileSync(file, 'utf8')) as { models: Record<string, ModelEntry> };
  const found = Object.entries(models).map(([role, model], at) => {
    return [role, { model, profile: toProfile(model), modelPath: paths[at]! }] as const;
  });
  const { main, ...companions } = Object.fromEntries(found);
  return { entry: main!.model, path: main!.modelPath, companions };
}

function toProfile(model: ModelEntry): Profile {
  const profile = oneapi.check(host, model);
  if (isRefusal(profile)) throw new Error(profile.missing.join());
  return profile;
}

export interface EngineSettings {
  readonly plan?: Partial<Plan>;
  /** Added to the profile's. */
  readonly options?: object;
  /** Default: the environment that `npm start` makes. */
  readonly python?: string;
}

/** An engine in state `starting`. */
export function createEngine({ entry, path, companions }: Model, settings: EngineSettings = {}): Engine {
  const profile = toProfile(entry);
  return oneapi.create({
    profile: { ...profile, options: { ...profile.options, ...settings.options } },
    plan: { ...plan, ...settings.plan },
    model: entry,
    modelPath: path,
    ...(companions && { companions }),
    python: settings.python ?? join(ROOT, '.venv/oneapi/bin/python'),
    log,
  });
}
