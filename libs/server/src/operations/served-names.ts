import { InvalidInputError, type ModelEntry, ModelNotFoundError } from '@xim/engine';
import type { Config } from '../config/config.ts';
import type { ServedName } from '../context.ts';
import { ServiceStartError } from '../errors/errors.ts';

export interface ServedNames {
  names(): readonly ServedName[];
  /** Throws ModelNotFoundError; InvalidInputError for no name, where one is needed. */
  resolve(name: string | null | undefined): ServedName;
}

/**
 * Names that clients of servers with one model send, such as those of Hugging Face and LM Studio. None of them is the
 * name of a model.
 */
const placeholders: ReadonlySet<string> = new Set(['tgi', 'dummy', 'default', 'local-model', 'model-identifier']);

/**
 * The names under which a model is served: its id, and the aliases of the lock file and of the configuration. Without
 * `strict` a request may also name none, or a placeholder. Throws ServiceStartError when an alias points at a model that
 * is not served.
 */
export function createServedNames(model: ModelEntry, aliases: Config['modelAliases'], strict = false): ServedNames {
  const { created } = model;
  const ownedBy = model.id.split('/')[0]!;
  const toServed = (name: string): ServedName => ({ name, id: model.id, created, ownedBy });
  const byName = new Map([[model.id, toServed(model.id)]]);
  for (const name of model.aliases ?? []) byName.set(name, toServed(name));
  for (const { name, target } of aliases) {
    if (target !== undefined && byName.get(target)?.id !== model.id) {
      const message = `[server] XIM_MODEL_ALIASES: "${name}=${target}" points at a model that is not served here; expected ${model.id}.`;
      throw new ServiceStartError(message);
    }
    if (name !== model.id) byName.set(name, toServed(name));
  }
  const names = [...byName.values()];

  return {
    names: () => names,
    resolve(name) {
      if (name == null && strict)
        throw new InvalidInputError('The field "model" is missing; it is required.', { param: 'model' });
      const isPlaceholder = !strict && (name == null || placeholders.has(name));
      const served = byName.get(name ?? model.id) ?? (isPlaceholder ? byName.get(model.id) : undefined);
      if (!served)
        throw new ModelNotFoundError(
          name ?? '',
          names.map((one) => one.name),
        );
      return served;
    },
  };
}
