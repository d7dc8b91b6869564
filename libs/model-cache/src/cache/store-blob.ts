import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ModelFile } from '@xim/engine';
import { ensureSpace } from '../transfer/disk-space.ts';
import { WrongContentError } from '../errors.ts';
import { refusePickle } from '../formats/pickle.ts';

/** Ending of an incomplete file. A file that a killed process left has no use. */
export const UNVERIFIED = '.unverified';

/**
 * Writes `bytes` to the path `blob`. The path appears complete, and only with the size and sha256 of `file`; otherwise
 * a `WrongContentError` is thrown and no file stays. `folder` must be on the same file system.
 */
export async function storeBlob(
  bytes: Readable,
  file: Pick<ModelFile, 'path' | 'size' | 'sha256'>,
  blob: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  // No other process writes to this name, so the hash is the hash of the file.
  const temporary = join(folder, `${file.sha256}.${randomUUID()}${UNVERIFIED}`);
  const hash = createHash('sha256');
  let size = 0;
  try {
    await ensureSpace(folder, file.size);
    await pipeline(
      bytes,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          size += chunk.length;
          if (size > file.size) throw wrong(file.path, `more than ${file.size} bytes`, `${file.size}`);
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(temporary, { flags: 'wx', flush: true }),
      { signal },
    );
    if (size !== file.size) throw wrong(file.path, `${size} bytes`, `${file.size}`);
    const sha256 = hash.digest('hex');
    if (sha256 !== file.sha256) throw wrong(file.path, `sha256 ${sha256}`, file.sha256);
    await refusePickle(temporary, file.path);
    await rename(temporary, blob);
  } finally {
    bytes.destroy();
    await rm(temporary, { force: true });
  }
}

/** Makes `path`, whose sha256 was found right a moment ago, the blob. Wrong or dangerous, it is removed. */
export async function moveBlob(path: string, file: ModelFile, blob: string): Promise<void> {
  const { size } = await stat(path);
  try {
    if (size !== file.size) throw wrong(file.path, `${size} bytes`, `${file.size}`);
    await refusePickle(path, file.path);
  } catch (error) {
    if (error instanceof WrongContentError) await rm(path, { force: true });
    throw error;
  }
  const handle = await open(path, 'r+');
  await handle.sync().finally(() => handle.close());
  await rename(path, blob);
  await rm(`${path}.json`, { force: true });
}

function wrong(name: string, found: string, expected: string): WrongContentError {
  return new WrongContentError(`what came for ${name} has ${found}; the lock file says ${expected}`);
}
