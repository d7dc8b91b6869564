import { readlink, rm, rmdir, stat } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { dirname, join, relative } from 'node:path';
import type { ModelEntry, ModelFile } from '@xim/engine';
import { isConverted } from '../sources/converted.ts';
import { showBlob } from './links.ts';
import { isVerified, verifyContent } from './verified.ts';

/**
 * Where one artifact lies in the cache. The layout is that of the Hugging Face hub's own cache, so that both find each
 * other's files: contents once under their checksum, folders of relative links to them.
 * (https://huggingface.co/docs/huggingface_hub/guides/manage-cache)
 */
export interface Place {
  readonly files: readonly ModelFile[];
  /** The model's folder, `models--org--name`. */
  readonly root: string;
  readonly snapshot: string;
  readonly blobs: string;
  /** Unfinished transfers of this artifact. */
  readonly partial: string;
  /** Taken by whoever fetches something of this model. */
  readonly lock: string;
}

export function placeOf(cacheDir: string, model: ModelEntry, artifact: string, files: readonly ModelFile[]): Place {
  const folder = repoFolder(model.id);
  const root = join(cacheDir, folder);
  // What was made of the files of a commit is not in it, and its names may be those of other ways to make it.
  const revision = isConverted(files) ? undefined : model.revision;
  return {
    files,
    root,
    snapshot: join(root, 'snapshots', revision ?? nameOf(files)),
    blobs: join(root, 'blobs'),
    partial: join(cacheDir, '.partial', folder, artifact),
    lock: lockOf(cacheDir, folder),
  };
}

export function repoFolder(id: string): string {
  return `models--${id.replaceAll('/', '--')}`;
}

export function lockOf(cacheDir: string, folder: string): string {
  return join(cacheDir, '.locks', folder, 'xim.lock');
}

/** A folder name that changes with any content or path, and cannot be taken for a commit. */
function nameOf(files: readonly ModelFile[]): string {
  const lines = files.map(({ path, sha256 }) => `${sha256}  ${path}\n`).sort();
  return `sha256-${createHash('sha256').update(lines.join('')).digest('hex').slice(0, 32)}`;
}

export function blobOf(place: Place, file: ModelFile): string {
  return join(place.blobs, file.sha256);
}

/** Whether the snapshot folder holds a file of this size, whoever brought it: a link to its content, as a rule. */
export async function isPresent(place: Place, file: ModelFile): Promise<boolean> {
  return hasSize(join(place.snapshot, file.path), file.size);
}

/** The files that the snapshot folder does not hold, by name and size alone. */
export async function missingFiles(place: Place): Promise<ModelFile[]> {
  const answers = await Promise.all(place.files.map((file) => isPresent(place, file)));
  return place.files.filter((_, index) => answers[index] !== true);
}

export async function hasSize(path: string, size: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true && found.size === size;
}

/**
 * The files that the snapshot folder does not hold with content that was verified: by name and size and by the record
 * that XIM keeps of what it has checked. Hashing gigabytes at every start would say nothing new.
 */
export async function unverifiedFiles(place: Place): Promise<ModelFile[]> {
  const answers = await Promise.all(
    place.files.map(
      async (file) =>
        (await isPresent(place, file)) && (await isVerified(place.root, join(place.snapshot, file.path), file.sha256)),
    ),
  );
  return place.files.filter((_, index) => answers[index] !== true);
}

/** Whether everything is there, verified. What others brought, or an older XIM, is hashed this once. */
export async function isComplete(place: Place, signal: AbortSignal | undefined): Promise<boolean> {
  for (const file of await unverifiedFiles(place)) {
    const path = join(place.snapshot, file.path);
    if (!(await isPresent(place, file)) || !(await verifyContent(place.root, path, file.sha256, signal))) return false;
  }
  return true;
}

/** Makes the snapshot folder; needs every blob and the partial folder. Links appear one by one, each at once. */
export async function linkSnapshot(place: Place): Promise<void> {
  const files = await unverifiedFiles(place);
  for (const [index, file] of files.entries()) {
    const blob = blobOf(place, file);
    const path = join(place.snapshot, file.path);
    if ((await readlink(path).catch(() => undefined)) === relative(dirname(path), blob)) continue;
    const shared = files.slice(index + 1).some(({ sha256 }) => sha256 === file.sha256);
    await showBlob(blob, path, place.partial, shared);
  }
}

/** Removes the folder of unfinished transfers, and its parents where nobody else has one. */
export async function removePartial(place: Pick<Place, 'partial'>): Promise<void> {
  await rm(place.partial, { recursive: true, force: true });
  const model = dirname(place.partial);
  await rmdir(model).catch(() => undefined);
  await rmdir(dirname(model)).catch(() => undefined);
}
