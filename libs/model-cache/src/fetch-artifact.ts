import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CancelledError, type ModelEntry, type ModelFile, XimError } from '@xim/engine';
import {
  blobOf,
  linkSnapshot,
  missingBlobs,
  missingLinks,
  type Place,
  placeOf,
  removePartial,
} from './cache-layout.ts';
import { toSpaceError } from './disk-space.ts';
import { ModelFetchError, OutOfSpaceError, WrongContentError } from './errors.ts';
import { withLock } from './lock.ts';
import { type FetchProgress, type FetchRun, findSource } from './sources.ts';
import { storeBlob, UNVERIFIED } from './store-blob.ts';

/** Progress is told at most this often, but for the first and the last of a transfer. */
const PROGRESS_MS = 100;

export interface FetchOptions {
  readonly model: ModelEntry;
  /** Key of `model.artifacts`. */
  readonly artifact: string;
  /** The model cache; made when it is not there. */
  readonly cacheDir: string;
  /** A Python whose pip finds packages; only used when something is missing. */
  readonly python: string;
  /** Open no connection and start nothing: what is missing is an error. */
  readonly offline?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
}

/**
 * The folder that holds all files of an artifact, verified, as an absolute path. What is missing is fetched first,
 * from the first source that has it; several processes that ask at once fetch once. When nothing is missing it costs
 * a few system calls and writes nothing.
 *
 * Rejects with a `ModelFetchError` that says for every source why not, or a `CancelledError` when `signal` aborted.
 */
export async function fetchArtifact(options: FetchOptions): Promise<string> {
  const { model, artifact, signal } = options;
  const cacheDir = resolve(options.cacheDir);
  const files = Object.hasOwn(model.artifacts, artifact) ? model.artifacts[artifact]?.files : undefined;
  if (!files) {
    const known = Object.keys(model.artifacts).join(', ') || 'none';
    throw new ModelFetchError(`${model.id} has no artifact "${artifact}". There are: ${known}.`);
  }
  const place = placeOf(cacheDir, model, artifact, files);
  try {
    const missing = await missingBlobs(place);
    if (missing.length === 0 && (await missingLinks(place)).length === 0) return place.snapshot;
    if (missing.length > 0 && options.offline) throw offlineError(model, missing, cacheDir);
    await withLock(place.lock, signal, () => complete(place, options));
    return place.snapshot;
  } catch (error) {
    if (XimError.isInstance(error)) throw error;
    if (signal?.aborted) throw new CancelledError('The fetch was cancelled.');
    const reason = (error as Error).message;
    throw (
      toSpaceError(cacheDir, error) ??
      new ModelFetchError(`The model cache ${cacheDir} cannot be used: ${reason}.`, { cause: error })
    );
  }
}

async function complete(place: Place, options: FetchOptions): Promise<void> {
  // Asked again: another process may have fetched while this one waited for the lock.
  const missing = await missingBlobs(place);
  await mkdir(place.partial, { recursive: true });
  if (missing.length > 0) {
    await mkdir(place.blobs, { recursive: true });
    await removeRubbish(place.partial);
    const run = createRun(place, options);
    for (const file of missing) await fetchFile(place, file, run, options.model);
  }
  await linkSnapshot(place);
  await removePartial(place);
}

async function fetchFile(place: Place, file: ModelFile, run: FetchRun, model: ModelEntry): Promise<void> {
  const said: string[] = [];
  for (const text of file.sources) {
    try {
      const found = findSource(text);
      if (!found) throw new ModelFetchError('no such kind of source is known');
      const bytes = await found.source.open(found.reference, file, run);
      await storeBlob(bytes, file, blobOf(place, file), place.partial, run.signal);
      return;
    } catch (error) {
      if (run.signal?.aborted) throw new CancelledError('The fetch was cancelled.');
      // A full disk is the same for every source.
      const full = error instanceof OutOfSpaceError ? error : toSpaceError(place.partial, error);
      if (full) throw full;
      if (error instanceof WrongContentError) await run.discard();
      said.push(`${text}: ${(error as Error).message}`);
    }
  }
  throw new ModelFetchError(`${file.path} of ${model.id} could not be fetched. ${said.join('. ')}.`);
}

function createRun(place: Place, options: FetchOptions): FetchRun {
  const done = new Map<string, Promise<string>>();
  let last = -Infinity;
  return {
    partialFolder: place.partial,
    python: options.python,
    signal: options.signal,
    report(progress) {
      const now = performance.now();
      const { receivedBytes, totalBytes } = progress;
      if (now - last < PROGRESS_MS && receivedBytes > 0 && receivedBytes !== totalBytes) return;
      last = now;
      options.onProgress?.(progress);
    },
    once(key, work) {
      const result = done.get(key) ?? work();
      done.set(key, result);
      return result;
    },
    async discard() {
      done.clear();
      await rm(place.partial, { recursive: true, force: true });
      await mkdir(place.partial, { recursive: true });
    },
  };
}

/** What a killed run was writing. What it was downloading stays: that can be resumed. */
async function removeRubbish(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.endsWith(UNVERIFIED) || name.startsWith('pip-')) {
      await rm(join(folder, name), { recursive: true, force: true });
    }
  }
}

function offlineError(model: ModelEntry, missing: readonly ModelFile[], cacheDir: string): ModelFetchError {
  const names = missing.map(({ path }) => path).join(', ');
  return new ModelFetchError(
    `${names} of ${model.id} is not in the model cache ${cacheDir}, and XIM_OFFLINE forbids to fetch it. ` +
      `Where there is a network, run: xim-models pull models.json --cache ${cacheDir}`,
  );
}
