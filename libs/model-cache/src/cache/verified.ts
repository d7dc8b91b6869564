import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hashFile } from '../transfer/hash-file.ts';
import { writeMemo } from './memo.ts';
import { refusePickle } from '../formats/pickle.ts';

/**
 * The record of verified contents is in the folder of the model, where the hub's tools do not look and where it is
 * deleted together with the model: a file per checksum, with the size and the time of change of the verified content.
 * Copies that keep times, such as layers of an image and tar archives, keep the record valid; others cost one hash.
 */
function recordOf(root: string, sha256: string): string {
  return join(root, '.xim', 'verified', sha256);
}

interface Identity {
  readonly size: number;
  readonly mtimeMs: number;
}

async function identityOf(content: string): Promise<Identity | undefined> {
  const found = await stat(content).catch(() => undefined);
  return found?.isFile() === true ? { size: found.size, mtimeMs: found.mtimeMs } : undefined;
}

/** Whether `content` was found to have this checksum and has not changed since. */
export async function isVerified(root: string, content: string, sha256: string): Promise<boolean> {
  const [identity, recorded] = await Promise.all([
    identityOf(content),
    readFile(recordOf(root, sha256), 'utf8').catch(() => ''),
  ]);
  const [size, mtimeMs] = recorded.split(' ').map(Number);
  if (identity === undefined || mtimeMs === undefined || identity.size !== size) return false;
  // Archives and image layers keep whole seconds.
  return identity.mtimeMs === mtimeMs || identity.mtimeMs === Math.floor(mtimeMs / 1000) * 1000;
}

/** Records a check. With a read-only cache nothing is recorded, and the next start checks again. */
export async function recordVerified(root: string, content: string, sha256: string): Promise<void> {
  const identity = await identityOf(content);
  if (identity === undefined) return;
  await writeMemo(recordOf(root, sha256), `${identity.size} ${identity.mtimeMs}`);
}

export async function forgetVerified(root: string, sha256: string): Promise<void> {
  await rm(recordOf(root, sha256), { force: true });
}

/** Hashes `content` unless its record is valid, and records the result. */
export async function verifyContent(
  root: string,
  content: string,
  sha256: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (await isVerified(root, content, sha256)) return true;
  if ((await hashFile(content, signal)) !== sha256) return false;
  await refusePickle(content, content);
  await recordVerified(root, content, sha256);
  return true;
}
