import type { ModelEntry } from '@xim/engine';
import { ModelFetchError } from '../errors.ts';
import type { CustomModelFacts, CustomModelOptions } from './custom-model-options.ts';
import { resolveHubModel } from './custom-hub-model.ts';
import { IR } from './openvino-ir.ts';
import { resolveLocalModel } from './custom-local-model.ts';
import { isXft } from './xft-files.ts';
import { toHubReference } from '../hub/hub-reference.ts';

const ARTIFACT = 'own';

/** Formats of a language model that a user may name. */
const LANGUAGE = { gguf: 'a GGUF file', 'openvino-ir': 'OpenVINO IR', xft: 'a model of xFasterTransformer' } as const;

/**
 * A lock entry for a model that the user names. Its shape comes from the header of the file. It has a profile for every
 * engine of the service that loads its format, with the options and instruction sets of the service's profile for that
 * engine. So the choice of the engine is the usual one: the first engine whose check accepts.
 *
 * A name on the hub is resolved once and recorded in the cache: later starts send no request and serve the same commit.
 * Rejects with a `ModelFetchError` that gives the expected value.
 */
export async function resolveCustomModel(options: CustomModelOptions): Promise<ModelEntry> {
  const { text, shipped, engines } = options;
  const loading = (format: keyof typeof LANGUAGE) =>
    engines.filter(({ formats }) => formats.some((one) => one === format || one.startsWith(`${format}:`)));
  const formats = Object.keys(LANGUAGE) as (keyof typeof LANGUAGE)[];
  if (shipped.task !== 'generate' || formats.every((format) => loading(format).length === 0)) {
    throw new ModelFetchError(
      `XIM_MODEL=${text} cannot be served here: it names a language model (GGUF or OpenVINO IR), and this service's engines take none for ` +
        `the task ${shipped.task}. Put the model into the service's models.json instead`,
    );
  }
  const resolved = isPath(text) ? resolveLocalModel(options) : fromHub(options);
  const facts = await resolved.catch((error: NodeJS.ErrnoException) => {
    // For example a file without permission to read. An error that no system call reports is a fault of this program.
    if (error.syscall === undefined) throw error;
    throw new ModelFetchError(`XIM_MODEL=${text} cannot be read: ${error.message}`, { cause: error });
  });
  const { files, options: own, ...entry } = facts;
  const format = formatOf(files.map(({ path }) => path));
  const taking = loading(format);
  if (taking.length === 0) {
    const load = engines.map(({ name, formats }) => `${name} loads ${formats.join(', ')}`).join('; ');
    throw new ModelFetchError(
      `XIM_MODEL=${text} is ${LANGUAGE[format]}, which no engine of this service loads (${load})`,
    );
  }
  return {
    ...entry,
    task: shipped.task,
    ...(shipped.aliases && { aliases: shipped.aliases }),
    artifacts: { [ARTIFACT]: { files } },
    // This model was never run. The verified profiles are profiles of the service's model.
    profiles: taking.map(({ name }) => {
      const { isa = [], options: its } = shipped.profiles.find(({ engine }) => engine === name) ?? {};
      return { engine: name, artifact: ARTIFACT, isa, ...((its ?? own) && { options: { ...its, ...own } }) };
    }),
  };
}

function formatOf(names: readonly string[]): keyof typeof LANGUAGE {
  if (names.includes(IR)) return 'openvino-ir';
  return isXft(names) ? 'xft' : 'gguf';
}

function isPath(text: string): boolean {
  return /^(?:\/|\.\.?\/|\.\.?$)/.test(text) || (/\.gguf$/i.test(text) && !text.includes('#'));
}

async function fromHub(options: CustomModelOptions): Promise<CustomModelFacts> {
  const reference = toHubReference(options.text);
  if (reference) return resolveHubModel(reference, options);
  throw new ModelFetchError(
    `XIM_MODEL=${options.text} is neither a model of the hub nor a path; expected org/name, org/name@revision, ` +
      'org/name#file.gguf, file.gguf, or a folder that begins with / or ./',
  );
}
