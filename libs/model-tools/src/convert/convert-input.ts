import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { ModelEntry, ModelFile } from '@xim/engine';
import { fetchArtifact, type FetchOptions, type Hub, ModelFetchError } from '@xim/model-cache';
import {
  hashFile,
  hubFiles,
  type HubReference,
  listRepo,
  localFiles,
  lockFiles,
  refuseUnreadable,
  toHubReference,
  toLocalName,
} from '@xim/model-cache/internal';
import { type Context, UsageError } from '../commands/command.ts';

/** A published model: a folder in the layout of Transformers. */
export interface ConvertInput {
  readonly facts: Pick<ModelEntry, 'id' | 'revision' | 'licence' | 'gated' | 'created'>;
  /** A name for messages and records: `org/name@commit`, or the name of the folder. */
  readonly name: string;
  readonly folder: string;
  /** The files that are read, with checksums. */
  readonly files: readonly Pick<ModelFile, 'path' | 'sha256'>[];
}

/** Configuration, tokenizer and weights; no other files, such as the same weights in other formats or precisions. */
const NEEDED =
  /^(?:[^/]+\.(?:json|txt|model|jinja)|model(?:-\d+-of-\d+)?\.safetensors|\d+_[A-Z][A-Za-z]*\/(?:config\.json|model\.safetensors))$/;
const PICKLE = 'pytorch_model.bin';

function needed<T extends { readonly path: string }>(files: readonly T[], name: string): T[] {
  const found = files.filter(({ path }) => NEEDED.test(path));
  const pickle = files.find(({ path }) => path === PICKLE);
  const weights = found.some(({ path }) => path.endsWith('.safetensors'));
  if (!found.some(({ path }) => path === 'config.json') || !(weights || pickle)) {
    const names = files.map(({ path }) => path).slice(0, 10);
    throw new ModelFetchError(
      `${name} cannot be converted: expected config.json and model.safetensors, found ${names.join(', ') || 'nothing'}`,
    );
  }
  return weights ? found : [...found, pickle!];
}

export async function readFolder(path: string, signal: AbortSignal | undefined): Promise<ConvertInput> {
  const folder = resolve(path);
  const entries = await readdir(folder, { recursive: true }).catch(() => {
    throw new ModelFetchError(`there is no folder ${folder}; expected one with config.json and model.safetensors`);
  });
  await refuseUnreadable(await localFiles(folder, folder));
  const name = toLocalName(basename(folder));
  const paths = needed(
    entries.sort().map((entry) => ({ path: entry })),
    folder,
  );
  const files: Pick<ModelFile, 'path' | 'sha256'>[] = [];
  for (const { path: file } of paths) files.push({ path: file, sha256: await hashFile(join(folder, file), signal) });
  const { mtimeMs } = await stat(join(folder, 'config.json'));
  const facts = { id: `local/${name}`, licence: 'LicenseRef-unstated', created: Math.floor(mtimeMs / 1000) };
  return { facts, name: `local/${name}`, folder, files };
}

/** Fetches the needed files into the cache and verifies them. */
export async function fetchFromHub(
  reference: HubReference,
  hub: Hub,
  options: Pick<FetchOptions, 'cacheDir' | 'python' | 'signal' | 'onProgress' | 'onSkip'>,
): Promise<ConvertInput> {
  const listing = await listRepo(hub, reference, options.signal);
  await refuseUnreadable(hubFiles(hub, listing, options.signal));
  const chosen = needed(listing.files, reference.repo);
  if (chosen.some(({ path }) => path === PICKLE)) {
    throw new ModelFetchError(
      `${reference.repo} has its weights as a pickle only, which runs code when it is read and is not fetched. If you ` +
        `trust it: hf download ${reference.repo} --local-dir FOLDER, then --from FOLDER`,
    );
  }
  const { files, ...facts } = await lockFiles(hub, listing, chosen, options.signal);
  const artifact = 'safetensors';
  const model = { ...facts, task: 'generate', artifacts: { [artifact]: { files } }, profiles: [], shape: {} } as const;
  const folder = await fetchArtifact({ ...options, hub, model, artifact });
  return { facts, name: `${listing.repo}@${listing.commit}`, folder, files };
}

/** The input of a conversion: a folder, or a model of the hub, which is fetched. */
export async function readInput(from: string, context: Context): Promise<ConvertInput> {
  const { cacheDir, python, signal, hub } = context;
  if (/^(?:\/|\.\.?\/|\.\.?$)/.test(from)) return readFolder(from, signal);
  const reference = toHubReference(from.replace(/^hf:/, ''));
  if (!reference) throw new UsageError(`--from ${from} is neither org/name[@revision] nor a folder (./… or /…)`);
  if (context.offline) throw new UsageError('--from a model of the hub asks the hub, and XIM_OFFLINE=1 forbids it');
  const line = context.progress();
  try {
    const onProgress = line.onProgress.bind(line);
    return await fetchFromHub(reference, hub, { cacheDir, python, signal, onProgress, onSkip: context.note });
  } finally {
    line.end();
  }
}
