import { randomUUID } from 'node:crypto';
import { copyFile, link, readdir, realpath, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelEntry, ModelFile } from '@xim/engine';
import { blobOf, hasSize, type Place, repoFolder } from './cache-layout.ts';
import { hashFile } from '../transfer/hash-file.ts';
import { refusePickle } from '../formats/pickle.ts';
import { toHubReference } from '../hub/hub-reference.ts';
import { UNVERIFIED } from './store-blob.ts';

/**
 * Paths of copies of a file in the cache: under the name of the model and the names of its `hf:` sources, in any
 * revision that the hub's tools or XIM brought. Only the size was compared.
 */
export async function findCopies(
  cacheDir: string,
  model: ModelEntry,
  file: ModelFile,
  place: Place,
): Promise<string[]> {
  const places = [{ repo: model.id, path: file.path }];
  for (const source of file.sources) {
    const reference = source.startsWith('hf:') ? toHubReference(source.slice(3)) : undefined;
    if (reference) places.push({ repo: reference.repo, path: reference.path ?? file.path });
  }
  const found = new Set<string>([blobOf(place, file)]);
  // Without symbolic links, a content is stored under the first of its paths.
  for (const { path, sha256 } of place.files) if (sha256 === file.sha256) found.add(join(place.snapshot, path));
  for (const { repo, path } of places) {
    const root = join(cacheDir, repoFolder(repo));
    found.add(join(root, 'blobs', file.sha256));
    const snapshots = await readdir(join(root, 'snapshots')).catch(() => []);
    for (const snapshot of snapshots) found.add(join(root, 'snapshots', snapshot, path));
  }
  const sized: string[] = [];
  for (const path of found) if (await hasSize(path, file.size)) sized.push(path);
  return sized;
}

/** Makes the first copy that has the right sha256 the blob, without using disk twice where it can; false if none has. */
export async function takeCopy(
  copies: readonly string[],
  file: ModelFile,
  place: Place,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const blob = blobOf(place, file);
  for (const copy of copies) {
    if ((await hashOf(copy, signal)) !== file.sha256) {
      if (copy === blob) await rm(blob);
      continue;
    }
    if (copy === blob) return true;
    await refusePickle(copy, file.path);
    // A link to a link would depend on the other's name; a hard link to the content does not.
    const content = await realpath(copy);
    const temporary = join(place.partial, randomUUID() + UNVERIFIED);
    await link(content, temporary).catch(() => copyFile(content, temporary));
    await rename(temporary, blob);
    return true;
  }
  return false;
}

/** Undefined for a file that went away meanwhile: a link to a content that was just found wrong, for example. */
async function hashOf(path: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  return hashFile(path, signal).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
