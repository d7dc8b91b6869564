import type { ModelEntry, Profile } from '@xim/engine';
import { ModelFetchError } from './errors.ts';
import type { OwnFacts, OwnModelOptions } from './own-model-options.ts';
import { resolveHubModel } from './own-hub-model.ts';
import { IR, IR_ENGINE } from './openvino-ir.ts';
import { resolveLocalModel } from './own-local-model.ts';
import { toHubReference } from './hub-reference.ts';

const ARTIFACT = 'own';

/**
 * A lock entry for a model that the user names. Its shape comes from the file's own header. It has a profile for every
 * engine for which the service's own entry has one that takes a GGUF file, with the same options and instruction sets,
 * so that an engine is chosen as ever: the first whose check accepts.
 *
 * A name on the hub is resolved once and recorded in the cache: later starts ask nobody and serve the same commit.
 * Rejects with a `ModelFetchError` that says what was expected.
 */
export async function resolveOwnModel(options: OwnModelOptions): Promise<ModelEntry> {
  const { text, shipped } = options;
  const profiles = languageProfiles(shipped);
  if (profiles.length === 0) {
    throw new ModelFetchError(
      `XIM_MODEL=${text} cannot be served here: it names a language model (GGUF or OpenVINO IR), and this service's engines take none for ` +
        `the task ${shipped.task}. Put the model into the service's models.json instead`,
    );
  }
  const facts = isPath(text) ? await resolveLocalModel(options) : await fromHub(options);
  const { files, ...entry } = facts;
  const isIr = files.some(({ path }) => path === IR);
  return {
    ...entry,
    task: shipped.task,
    ...(shipped.aliases && { aliases: shipped.aliases }),
    artifacts: { [ARTIFACT]: { files } },
    // Nobody has run this model; what was verified was the service's own.
    profiles: profiles
      .filter(({ engine }) => !isIr || engine === IR_ENGINE)
      .map(({ engine, isa, options: its }) => ({ engine, artifact: ARTIFACT, isa, ...(its && { options: its }) })),
  };
}

function isPath(text: string): boolean {
  return /^(?:\/|\.\.?\/|\.\.?$)/.test(text) || (/\.gguf$/i.test(text) && !text.includes('#'));
}

async function fromHub(options: OwnModelOptions): Promise<OwnFacts> {
  const reference = toHubReference(options.text);
  if (reference) return resolveHubModel(reference, options);
  throw new ModelFetchError(
    `XIM_MODEL=${options.text} is neither a model of the hub nor a path; expected org/name, org/name@revision, ` +
      'org/name#file.gguf, file.gguf, or a folder that begins with / or ./',
  );
}

/** The first profile of each engine that runs a language model's file. */
function languageProfiles({ task, profiles, artifacts }: ModelEntry): Profile[] {
  if (task !== 'generate') return [];
  const taking = profiles.filter(({ artifact }) =>
    (artifact === undefined ? [] : (artifacts[artifact]?.files ?? [])).some(
      ({ path }) => path === IR || /\.gguf$/i.test(path),
    ),
  );
  return taking.filter(({ engine }, index) => taking.findIndex((other) => other.engine === engine) === index);
}
