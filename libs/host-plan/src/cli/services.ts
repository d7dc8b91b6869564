import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Host, isRefusal, type MemoryNeeds, type ModelEntry, type Profile, XimError } from '@xim/engine';
import type { LoadEngine } from './load-engine.ts';

/** The call was wrong; the message has the remedy. */
export class UsageError extends Error {}

/** A model with the way to run it on a host, and the engine's figures of it. */
export interface PlannedService {
  readonly name: string;
  readonly weight: number;
  readonly model: ModelEntry;
  readonly profile: Profile;
  readonly memory: MemoryNeeds;
}

/** `chat`, `chat=3`, or the path of a models.json: the service's name, its file and its part. */
export function toServiceFile(
  argument: string,
  folder = process.cwd(),
): { name: string; file: string; weight: number } {
  const [name = '', part] = argument.split('=');
  const weight = part === undefined ? 1 : Number(part);
  if (!(weight > 0) || !Number.isFinite(weight)) {
    throw new UsageError(`"${argument}": the part after "=" is a number above 0, such as chat=3.`);
  }
  if (name.endsWith('.json')) return { name: name.split('/').at(-2) ?? name, file: resolve(folder, name), weight };
  const apps = findApps(folder);
  const known = apps === undefined ? [] : readdirSync(apps);
  if (apps === undefined || !known.includes(name)) {
    const found = apps === undefined ? 'there is no folder "apps" here' : `found: ${known.sort().join(', ')}`;
    throw new UsageError(
      `there is no service "${name}" (${found}). Name one of a clone, or the path of its models.json.`,
    );
  }
  return { name, file: join(apps, name, 'models.json'), weight };
}

/** The folder of services of the clone that `folder` lies in. */
function findApps(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    try {
      if (readdirSync(join(at, 'apps')).length > 0) return join(at, 'apps');
    } catch {
      // Not there: one folder up.
    }
    if (at === dirname(at)) return undefined;
  }
}

/** Reads the members that the plan needs: fetching and checking models is the work of another package. */
export function readModel(file: string, role: string): ModelEntry {
  let models: Record<string, ModelEntry | undefined>;
  try {
    models = (JSON.parse(readFileSync(file, 'utf8')) as { models?: typeof models } | null)?.models ?? {};
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as Error).message}`);
  }
  const model = models[role];
  if (!model) {
    const roles = Object.keys(models).join(', ') || 'none';
    throw new UsageError(`${file} has no model "${role}" (found: ${roles}). Name one with --role.`);
  }
  if (!model.task || !model.artifacts || !Array.isArray(model.profiles) || !model.shape) {
    throw new UsageError(
      `model "${role}" of ${file} lacks task, artifacts, profiles or shape; it is not a models.json entry.`,
    );
  }
  return model;
}

/**
 * The first engine of the model's profiles whose `check` accepts host and model, as the service itself chooses. Throws
 * `XIM_NO_PROFILE` with everything that is missing where there is none.
 */
export async function chooseProfile(
  host: Host,
  model: ModelEntry,
  engine: string | undefined,
  load: LoadEngine,
): Promise<{ profile: Profile; memory: MemoryNeeds }> {
  const engines = [...new Set(model.profiles.map((profile) => profile.engine))];
  const tried = engines.filter((name) => engine === undefined || name === engine);
  if (tried.length === 0) {
    throw new UsageError(`${model.id} has no profile for "${engine}" (found: ${engines.join(', ') || 'none'}).`);
  }
  const lacks: string[] = [];
  for (const name of tried) {
    const factory = await load(name).catch((error: unknown) => {
      if (!XimError.isInstance(error)) throw error;
      lacks.push(error.message);
    });
    if (factory === undefined) continue;
    const outcome = factory.check(host, model);
    if (!isRefusal(outcome)) return { profile: outcome, memory: factory.memory(model, outcome) };
    lacks.push(`${name} needs ${outcome.missing.join(', ')}. ${outcome.advice}`);
  }
  throw new XimError('XIM_NO_PROFILE', `${model.id} cannot run on this host: ${lacks.join(' ')}`);
}
