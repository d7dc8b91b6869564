import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { ModelEntry, ModelFile, Profile } from '@xim/engine';
import { ModelFetchError } from '@xim/model-cache';
import { findClone, MODELS_SCHEMA, readOpenModels } from '@xim/model-cache/internal';
import { writeModels } from './record-facts.ts';

export const TASKS = ['generate', 'embed', 'rerank', 'transcribe', 'speak', 'generateImage'];

/** One way to run a model, to be added to a role's entry. */
export interface Addition {
  /** The facts about the model. They replace the facts of the entry. */
  readonly facts: Pick<ModelEntry, 'id' | 'revision' | 'licence' | 'gated' | 'created' | 'shape'>;
  readonly artifact: string;
  readonly files: readonly ModelFile[];
  /** Required for a new role; else the task of the entry is kept. */
  readonly task?: ModelEntry['task'] | undefined;
  /** Engines that get a profile for the artifact, before the others. */
  readonly engines: readonly string[];
  readonly isa: readonly string[];
  readonly options?: Profile['options'];
}

/** The entry of a role, if the file and the role are there. */
export function readEntry(file: string, role: string): ModelEntry | undefined {
  return existsSync(file) ? readOpenModels(file).models[role] : undefined;
}

/**
 * Writes the artifact and its profiles into the role's entry of a models.json, which is made where there is none. An
 * entry of the same model keeps aliases, other profiles and other artifacts. Rejects with a `ModelFetchError`.
 */
export async function writeEntry(file: string, role: string, addition: Addition): Promise<ModelEntry> {
  const before = readEntry(file, role);
  const { artifact, files, facts } = addition;
  const merged = merge(before, addition);
  const entry = { ...merged, artifacts: { ...keptArtifacts(before, facts.id), [artifact]: { files } } };
  assertProfiles(entry, artifact);
  const raw = existsSync(file) ? readRaw(file) : { $schema: schemaOf(file), lockVersion: 1, models: {} };
  await writeModels(file, { ...raw, models: { ...raw.models, [role]: entry } });
  // The written file is read back, so that a file that a service would refuse is reported now.
  readOpenModels(file);
  return entry;
}

function merge(before: ModelEntry | undefined, { facts, artifact, task, engines, isa, options }: Addition): ModelEntry {
  const { id, revision, licence, gated, created, shape } = facts;
  const added = engines.map((engine): Profile => ({ engine, artifact, isa, ...(options && { options }) }));
  const kept = (before?.profiles ?? []).filter(
    (profile) => !added.some((one) => one.engine === profile.engine && one.artifact === profile.artifact),
  );
  return {
    id,
    ...(revision !== undefined && { revision }),
    task: task ?? before!.task,
    licence,
    ...(gated === true && { gated }),
    created,
    ...(before?.aliases && { aliases: before.aliases }),
    ...(before?.voiceAliases && { voiceAliases: before.voiceAliases }),
    artifacts: {},
    profiles: [...added, ...kept],
    shape: { ...before?.shape, ...shape },
  };
}

/** Other artifacts stay while they are of the same model; those of another would be fetched under a wrong name. */
function keptArtifacts(before: ModelEntry | undefined, id: string): ModelEntry['artifacts'] {
  return before?.id === id ? before.artifacts : {};
}

function assertProfiles({ id, profiles, artifacts }: ModelEntry, artifact: string): void {
  const lost = profiles.find(
    (profile) => profile.artifact !== undefined && !Object.hasOwn(artifacts, profile.artifact),
  );
  if (!lost) return;
  throw new ModelFetchError(
    `the profile for ${lost.engine} takes the artifact ${lost.artifact}, which ${id} would not have. ` +
      `Name the new one so (--artifact ${lost.artifact}, now ${artifact}), or give it profiles of its own (--engine)`,
  );
}

function readRaw(file: string): { models: Record<string, unknown> } {
  return JSON.parse(readFileSync(file, 'utf8')) as { models: Record<string, unknown> };
}

/** The place of the schema for editors: in the package for a file of this repository, else the published schema. */
function schemaOf(file: string): string {
  const clone = findClone(dirname(file));
  if (clone !== undefined) return relative(dirname(file), join(clone, 'libs/model-cache/models.schema.json'));
  return MODELS_SCHEMA.href;
}
