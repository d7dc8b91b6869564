import { rm, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { CancelledError } from '@xim/engine';
import { DownloadError } from '../errors.ts';
import { hashFile } from './hash-file.ts';
import { toRetryWait } from './retry-wait.ts';
import { transfer, type TransferOptions } from './transfer.ts';

export interface DownloadOptions extends TransferOptions {
  /** Tries in a row that bring no new byte. Default 5. */
  readonly attempts?: number;
  /** Tries in a row that get no connection. Default `attempts`. */
  readonly connectAttempts?: number;
}

/**
 * Downloads one file over HTTP and continues an earlier try, also of an earlier process. When it resolves, the file is
 * complete and has the `sha256`, if given. Throws a `DownloadError`, a `ModelFetchError` about the disk, or a
 * `CancelledError`; the received part stays, unless its content is wrong.
 */
export async function download(options: DownloadOptions): Promise<void> {
  const resumed = (await sizeOf(options.path)) > 0;
  await transferWithRetries(options);
  if (await isRight(options)) return;

  await discard(options.path);
  if (resumed) {
    // An earlier process left a part, which a power cut may have damaged: one try from the beginning is useful.
    await transferWithRetries(options);
    if (await isRight(options)) return;
    await discard(options.path);
  }
  throw new DownloadError(`${place(options.url)} does not have the sha256 that was expected, ${options.sha256}`, {
    transient: false,
  });
}

async function transferWithRetries(options: DownloadOptions): Promise<void> {
  const { url, path, signal, attempts = 5, connectAttempts = attempts, network } = options;
  let furthest = await sizeOf(path);
  for (let failures = 0; ;) {
    try {
      return await transfer({ ...options, idleMs: options.idleMs ?? 30_000 });
    } catch (error) {
      if (signal?.aborted) throw new CancelledError('The fetch was cancelled.');
      if (!(error instanceof DownloadError)) throw error;
      const size = await sizeOf(path);
      failures = size > furthest ? 1 : failures + 1;
      furthest = Math.max(furthest, size);
      if (!error.transient || failures >= (error.unreachable ? connectAttempts : attempts)) {
        const end = error.transient ? `; gave up after ${failures} ${failures === 1 ? 'try' : 'tries'}` : '';
        const { transient, unreachable, status, reason } = error;
        const more = { transient, unreachable, status, reason, cause: error };
        throw new DownloadError(`${place(url)}: ${error.message}${end}`, more);
      }
      await delay(toRetryWait(network, failures, error.retryAfter), undefined, { signal }).catch(() => {
        throw new CancelledError('The fetch was cancelled.');
      });
    }
  }
}

async function isRight({ path, sha256, signal }: DownloadOptions): Promise<boolean> {
  return sha256 === undefined || (await hashFile(path, signal)) === sha256;
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

async function discard(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(`${path}.json`, { force: true });
}

/** An address for messages, without login and signature. */
function place(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
