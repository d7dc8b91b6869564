import { type EngineInfo, type ModelEntry, ModelNotFoundError } from '@xim/engine';
import type { Config } from './config.ts';
import type { ServedName } from './context.ts';
import { ServiceStartError } from './errors.ts';

export interface ServedNames {
  names(): readonly ServedName[];
  resolve(name: string): ServedName;
}

/**
 * The names under which a model is served: its id, what the engine loaded beside it, and the aliases of the lock file
 * and of the configuration. Throws ServiceStartError when an alias points at a model that is not served.
 */
export function createServedNames(
  model: ModelEntry,
  aliases: Config['modelAliases'],
  info: () => EngineInfo | undefined,
): ServedNames {
  const { created } = model;
  const toServed = (name: string, id: string): ServedName => ({ name, id, created, ownedBy: id.split('/')[0]! });
  const base = toServed(model.id, model.id);
  const byName = new Map([[model.id, base]]);
  for (const name of model.aliases ?? []) byName.set(name, toServed(name, model.id));
  for (const { name, target } of aliases) {
    if (target !== undefined && byName.get(target)?.id !== model.id) {
      const message = `[server] XIM_MODEL_ALIASES: "${name}=${target}" points at a model that is not served here; expected ${model.id}.`;
      throw new ServiceStartError(message);
    }
    if (name !== model.id) byName.set(name, toServed(name, model.id));
  }
  const [, ...others] = byName.values();
  const adapters = (): ServedName[] => (info()?.models ?? []).slice(1).map((id) => toServed(id, id));
  const names = (): ServedName[] => [base, ...adapters(), ...others];

  return {
    names,
    resolve(name) {
      const served = byName.get(name) ?? adapters().find((adapter) => adapter.name === name);
      if (!served)
        throw new ModelNotFoundError(
          name,
          names().map((one) => one.name),
        );
      return served;
    },
  };
}
