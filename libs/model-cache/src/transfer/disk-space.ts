import { statfs } from 'node:fs/promises';
import { OutOfSpaceError } from '../errors.ts';
import { formatBytes } from './format-progress.ts';

/** Error codes of the kernel for a file that cannot grow: disk full, quota, file size limit. */
const FULL = ['ENOSPC', 'EDQUOT', 'EFBIG'];

/** Refuses before the disk is full rather than after. `folder` must exist. */
export async function ensureSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize, blocks } = await statfs(folder);
  const free = bavail * bsize;
  // Some network file systems tell nothing.
  if (blocks === 0 || free >= bytes) return;
  throw outOfSpace(folder, `${formatBytes(bytes)} are needed, ${formatBytes(free)} are free`);
}

/** The error to throw instead of `error`, when that came from a full disk. */
export function toSpaceError(folder: string, error: unknown): OutOfSpaceError | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  return FULL.includes(code) ? outOfSpace(folder, code, error) : undefined;
}

function outOfSpace(folder: string, detail: string, cause?: unknown): OutOfSpaceError {
  return new OutOfSpaceError(
    `There is no space left for model files in ${folder} (${detail}). Free some, or choose another folder with XIM_MODEL_CACHE.`,
    { cause },
  );
}
