import type { ModelEntry } from '@xim/engine';
import { ModelFetchError } from '../errors.ts';
import { toHubReference } from '../hub/hub-reference.ts';
import { formatsOf, loading } from './choose-format.ts';
import { resolveHubModel } from './custom-hub-model.ts';
import { resolveLocalModel } from './custom-local-model.ts';
import type { CustomModelOptions, ResolvedModel } from './custom-model-options.ts';
import { isPath } from './is-path.ts';

const ARTIFACT = 'own';

/**
 * A lock entry for a model that the user names. Its shape comes from the files themselves. It has a profile for every
 * engine of the service that loads its format, with the options and instruction sets of the service's profile for that
 * engine. So the choice of the engine is the usual one: the first engine whose check accepts.
 *
 * A name on the hub is resolved once and recorded in the cache: later starts send no request and serve the same commit.
 * Rejects with a `ModelFetchError` that gives the expected value.
 */
export async function resolveCustomModel(options: CustomModelOptions): Promise<ModelEntry> {
  const { text, shipped, engines } = options;
  const formats = formatsOf(shipped.task);
  if (!formats.some((format) => loading(engines, format).length > 0)) {
    const named = formats.map(({ title }) => title).join(' or ') || 'none';
    throw new ModelFetchError(
      `XIM_MODEL=${text} cannot be served here: a model for the task ${shipped.task} is ${named}, and this service's ` +
        "engines load none of these. Put the model into the service's models.json instead",
    );
  }
  const { facts, format } = await resolve(options).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof ModelFetchError) throw new ModelFetchError(`XIM_MODEL: ${error.message}`, { cause: error });
    // For example a file without permission to read. An error that no system call reports is a fault of this program.
    if (error.syscall === undefined) throw error;
    throw new ModelFetchError(`XIM_MODEL=${text} cannot be read: ${error.message}`, { cause: error });
  });
  const { files, options: own, ...entry } = facts;
  const voices = (own?.['voices'] ?? []) as readonly string[];
  const meant = (name: string): string => voices.find((voice) => voice.endsWith(`_${name}`)) ?? voices[0]!;
  const aliases = Object.keys(shipped.voiceAliases ?? {}).map((name) => [name, meant(name)]);
  return {
    ...entry,
    task: shipped.task,
    ...(shipped.aliases && { aliases: shipped.aliases }),
    // The names of other voices mean the served voice of that name, else the first one.
    ...(voices.length > 0 && { voiceAliases: Object.fromEntries(aliases) }),
    artifacts: { [ARTIFACT]: { files } },
    // This model was never run. The verified profiles are profiles of the service's model.
    profiles: loading(engines, format).map(({ name }) => {
      const { isa = [], options: its = {} } = shipped.profiles.find(({ engine }) => engine === name) ?? {};
      const kept = Object.entries(its).filter(([option]) => !format.modelOptions?.includes(option));
      const merged = { ...Object.fromEntries(kept), ...own };
      return { engine: name, artifact: ARTIFACT, isa, ...(Object.keys(merged).length > 0 && { options: merged }) };
    }),
  };
}

async function resolve(options: CustomModelOptions): Promise<ResolvedModel> {
  const { text } = options;
  if (isPath(text)) return resolveLocalModel(options);
  const reference = toHubReference(text);
  if (reference) return resolveHubModel(reference, options);
  throw new ModelFetchError(
    `${text} is neither a model of the hub nor a path; expected org/name, org/name@revision, org/name#file, file.gguf, ` +
      'or a file or folder that begins with / or ./',
  );
}
