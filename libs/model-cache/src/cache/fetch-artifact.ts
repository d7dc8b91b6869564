import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { CancelledError, type ModelEntry, type ModelFile, XimError } from '@xim/engine';
import {
  blobOf,
  hasSize,
  isComplete,
  linkSnapshot,
  type Place,
  placeOf,
  removePartial,
  unverifiedFiles,
} from './cache-layout.ts';
import { toSpaceError } from '../transfer/disk-space.ts';
import { ModelFetchError, OutOfSpaceError, WrongContentError } from '../errors.ts';
import { createRun, type RunOptions } from '../sources/fetch-run.ts';
import { findCopies, takeCopy } from './local-copies.ts';
import { assertWritable } from './links.ts';
import { isLocalId } from './local-name.ts';
import { withLock } from './lock.ts';
import { findSource } from '../sources/find-source.ts';
import type { FetchRun } from '../sources/source.ts';
import { moveBlob, storeBlob, UNVERIFIED } from './store-blob.ts';
import { recordVerified, verifyContent } from './verified.ts';

export interface FetchOptions extends RunOptions {
  readonly model: ModelEntry;
  /** Key of `model.artifacts`. */
  readonly artifact: string;
  /** The model cache; made when it is not there. */
  readonly cacheDir: string;
  /** Open no connection and start no process: a file that is not on this machine is an error. */
  readonly offline?: boolean | undefined;
  /** The command that fetches the files with a network, for the message about missing files offline. */
  readonly advice?: string | undefined;
  /** Gets a sentence when a source had to be passed over for the next one. */
  readonly onSkip?: ((sentence: string) => void) | undefined;
}

/**
 * The absolute path of the folder that holds all verified files of an artifact. Missing files are fetched first, each
 * from the first source that has it; several processes that ask at once fetch once. A complete artifact costs a few
 * system calls, and nothing is written.
 *
 * Rejects with a `ModelFetchError` that gives the reason of every source, or a `CancelledError` when `signal` aborted.
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
    if (await isComplete(place, signal)) return place.snapshot;
    const lying = await findInPlace(place, options);
    if (lying !== undefined) return lying;
    if (options.offline) await assertObtainable(place, cacheDir, options);
    await withLock(place.lock, signal, () => complete(place, cacheDir, options));
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

async function complete(place: Place, cacheDir: string, options: FetchOptions): Promise<void> {
  // Asked again: another process may have fetched while this one waited for the lock.
  const missing = await unverifiedFiles(place);
  await mkdir(place.partial, { recursive: true });
  if (missing.length > 0) {
    // A folder that takes no file is found out before gigabytes are transferred.
    await assertWritable(place.snapshot);
    await mkdir(place.blobs, { recursive: true });
    await assertWritable(place.blobs);
    await removeRubbish(place.partial);
    const run = createRun(place.partial, options);
    for (const file of missing) {
      const copies = await findCopies(cacheDir, options.model, file, place);
      if (!(await takeCopy(copies, file, place, run.signal))) {
        if (options.offline && !(await isHere(file))) throw offlineError(options, [file], cacheDir);
        await fetchFile(place, file, run, options);
      }
      await recordVerified(place.root, blobOf(place, file), file.sha256);
    }
  }
  await linkSnapshot(place);
  await removePartial(place);
}

async function fetchFile(place: Place, file: ModelFile, run: FetchRun, options: FetchOptions): Promise<void> {
  const said: string[] = [];
  for (const [index, text] of file.sources.entries()) {
    try {
      const found = findSource(text);
      if (!found) throw new ModelFetchError('no such kind of source is known');
      if (options.offline && !found.source.isHere) throw new ModelFetchError('XIM_OFFLINE forbids to ask it');
      const got = await found.source.open(found.reference, file, run);
      if (got instanceof Readable) await storeBlob(got, file, blobOf(place, file), place.partial, run.signal);
      else await moveBlob(got.path, file, blobOf(place, file));
      return;
    } catch (error) {
      if (run.signal?.aborted) throw new CancelledError('The fetch was cancelled.');
      // A full disk is the same for every source.
      const full = error instanceof OutOfSpaceError ? error : toSpaceError(place.partial, error);
      if (full) throw full;
      if (error instanceof WrongContentError) await run.discard();
      const reason = (error as Error).message;
      said.push(`${text}: ${reason}`);
      const next = file.sources[index + 1];
      if (next !== undefined) options.onSkip?.(`${file.path} did not come from ${text} (${reason}); trying ${next}`);
    }
  }
  throw new ModelFetchError(`${file.path} of ${options.model.id} could not be fetched. ${said.join('. ')}.`);
}

/**
 * The folder of a model of this machine, where its files lie as named and come from nowhere else. The cache has no links
 * to them if it is read-only or has no symbolic links; a copy would take the disk twice. Files with a further source,
 * such as those of a conversion, lie there for a while only and belong into the cache.
 */
async function findInPlace(place: Place, { model, signal }: FetchOptions): Promise<string | undefined> {
  if (!isLocalId(model.id)) return undefined;
  const folders = new Set<string>();
  for (const file of place.files) {
    const [only = '', ...further] = file.sources;
    const source = only.replace(/^file:/, '');
    if (further.length > 0 || !source.endsWith(`/${file.path}`) || !(await hasSize(source, file.size)))
      return undefined;
    if (!(await verifyContent(place.root, source, file.sha256, signal))) return undefined;
    folders.add(source.slice(0, -file.path.length - 1));
  }
  const [folder, ...others] = folders;
  return others.length === 0 ? folder : undefined;
}

/** Removes unfinished files of a killed run. Its downloads stay, since they can be resumed. */
async function removeRubbish(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.endsWith(UNVERIFIED) || name.startsWith('pip-')) {
      await rm(join(folder, name), { recursive: true, force: true });
    }
  }
}

/** Whether a source of the file is this machine. */
async function isHere(file: ModelFile): Promise<boolean> {
  for (const text of file.sources) {
    const found = findSource(text);
    if (await found?.source.isHere?.(found.reference)) return true;
  }
  return false;
}

/** Offline, all missing files are reported before anything is written; the cache may be read-only. */
async function assertObtainable(place: Place, cacheDir: string, options: FetchOptions): Promise<void> {
  const missing: ModelFile[] = [];
  for (const file of await unverifiedFiles(place)) {
    const copies = await findCopies(cacheDir, options.model, file, place);
    if (copies.length === 0 && !(await isHere(file))) missing.push(file);
  }
  if (missing.length > 0) throw offlineError(options, missing, cacheDir);
}

function offlineError(options: FetchOptions, missing: readonly ModelFile[], cacheDir: string): ModelFetchError {
  const { model, advice = `run: npx xim-models pull models.json --cache ${cacheDir}` } = options;
  const names = missing.map(({ path }) => path).join(', ');
  return new ModelFetchError(
    `${names} of ${model.id} is not in the model cache ${cacheDir}, and XIM_OFFLINE forbids to fetch it. ` +
      `Where there is a network, ${advice}`,
  );
}
