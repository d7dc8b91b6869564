import {
  type EngineFactory,
  type Host,
  isRefusal,
  type ModelEntry,
  type Profile,
  type Refusal,
  type Task,
} from '@xim/engine';
import { ServiceStartError } from '../errors/errors.ts';

export interface EngineChoice {
  readonly factory: EngineFactory;
  readonly profile: Profile;
  /** One sentence for the log, the metadata and the metric label. */
  readonly reason: string;
  /** The refusals of the engines before it in the list. */
  readonly refusals: readonly EngineRefusal[];
}

export interface EngineRefusal extends Refusal {
  readonly engine: string;
}

/**
 * The first engine of the list that can run the model on this host, or the pinned one. Throws ServiceStartError that
 * lists what every engine is missing and what would work.
 */
export function chooseEngine(
  engines: readonly EngineFactory[],
  host: Host,
  model: ModelEntry,
  pinned?: string,
  handler?: string,
): EngineChoice {
  const candidates = pinned === undefined ? engines : engines.filter((factory) => factory.name === pinned);
  if (candidates.length === 0) {
    const names = engines.map((factory) => factory.name).join(', ');
    throw new ServiceStartError(`[server] XIM_ENGINE="${pinned}": this service has no such engine. It has: ${names}.`);
  }

  const refusals: EngineRefusal[] = [];
  for (const factory of candidates) {
    const outcome = factory.check(host, model, handler);
    if (!isRefusal(outcome)) {
      return { factory, profile: outcome, reason: toReason(factory.name, pinned, refusals), refusals };
    }
    refusals.push({ engine: factory.name, ...outcome });
  }

  const pin = pinned === undefined ? '' : ' (pinned by XIM_ENGINE)';
  const lines = refusals.map(({ engine, missing, advice }) => `${engine} is missing ${missing.join(', ')}. ${advice}`);
  throw new ServiceStartError(`[server] No engine can run ${model.id} on this host${pin}: ${lines.join(' ')}`);
}

/**
 * The profile as XIM_EXACT asks for it. Throws ServiceStartError where the engine cannot hold to it: a handler of the
 * service itself does what it does.
 */
export function toExactProfile({ factory, profile }: EngineChoice, task: Task, handler?: string): Profile {
  if (handler === undefined && factory.exact?.includes(task))
    return { ...profile, options: { ...profile.options, exact: true } };
  const reason =
    handler === undefined
      ? `the engine ${factory.name} has no such setting for the task ${task}`
      : 'this service has a handler of its own';
  throw new ServiceStartError(`[server] XIM_EXACT=1 cannot be held to: ${reason}. Leave XIM_EXACT out.`);
}

function toReason(name: string, pinned: string | undefined, refusals: readonly EngineRefusal[]): string {
  if (pinned !== undefined) return `${name} is pinned by XIM_ENGINE`;
  if (refusals.length === 0) return `${name} is the service's first choice`;
  return `${name} is the first that this host can run; refused: ${refusals.map((one) => one.engine).join(', ')}`;
}
