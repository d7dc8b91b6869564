import { readlink, rm, rmdir, stat } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { dirname, join, relative } from 'node:path';
import type { ModelEntry, ModelFile } from '@xim/engine';
import { isConverted } from '../sources/converted.ts';
import { showBlob } from './links.ts';
import { isVerified, verifyContent } from './verified.ts';

/**
 * The paths of one artifact in the cache. The layout equals the layout of the Hugging Face hub, so each finds the files
 * of the other: each content is stored once, under its checksum, and folders hold relative links to contents.
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
  /** The lock of a fetch for this model. */
  readonly lock: string;
}

export function placeOf(cacheDir: string, model: ModelEntry, artifact: string, files: readonly ModelFile[]): Place {
  const folder = repoFolder(model.id);
  const root = join(cacheDir, folder);
  // A converted artifact is not part of the commit, and other conversions may use the same names.
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

/** Whether the snapshot folder holds a file of this size, in general a link to its content, from any tool. */
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
 * The files whose verified content is missing in the snapshot folder. Name, size and the record of earlier checks are
 * compared. Hashing gigabytes again at every start would give no new result.
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

/** Whether all files are there and verified. Files of other tools or of an older XIM are hashed once. */
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

/** Removes the folder of unfinished transfers, and its parents where they are empty. */
export async function removePartial(place: Pick<Place, 'partial'>): Promise<void> {
  await rm(place.partial, { recursive: true, force: true });
  const model = dirname(place.partial);
  await rmdir(model).catch(() => undefined);
  await rmdir(dirname(model)).catch(() => undefined);
}
