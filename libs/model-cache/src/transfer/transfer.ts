import { open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ensureSpace, toSpaceError } from './disk-space.ts';
import { DownloadError } from '../errors.ts';
import { toConnectionError, toStatusError } from './http-errors.ts';
import type { Network } from './network.ts';
import { request } from './request.ts';

export interface TransferOptions {
  readonly url: URL;
  /** Path of the file; `<path>.json` holds the data for a later continuation. Both may exist from an earlier run. */
  readonly path: string;
  /** Of the whole file, lower-case hex, where known. */
  readonly sha256?: string | undefined;
  /** Value of the header; only the host of `url` gets it. */
  readonly authorization?: string | undefined;
  readonly network?: Network | undefined;
  /** Called for each answer, redirects included; an exception ends the download, unless it is transient. */
  readonly onAnswer?: ((response: Response) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((receivedBytes: number, totalBytes: number | undefined) => void) | undefined;
  /** A connection without a byte for this long is given up. Default 30,000. */
  readonly idleMs?: number;
  /** A server that does not begin to answer for this long is not reachable. Default `idleMs`. */
  readonly answerMs?: number;
}

/** Content of the file beside a part. */
interface Begun {
  /** Bytes of the whole file, where the server told. */
  readonly totalBytes?: number | undefined;
  /** A strong ETag or a date, for `If-Range`: the server sends the rest only of the same file. */
  readonly validator?: string | undefined;
}

/** One try: requests the missing bytes and appends them. Throws unless the file is complete. */
export async function transfer(options: TransferOptions & { readonly idleMs: number }): Promise<void> {
  const { path, sha256, signal, onProgress } = options;
  const begun = await readBegun(path);
  const present = begun ? ((await stat(path).catch(() => undefined))?.size ?? 0) : 0;
  if (begun?.totalBytes === present) return;
  const mayResume = present > 0 && (begun?.validator !== undefined || sha256 !== undefined);

  const idle = new AbortController();
  let answered = false;
  const giveUp = (): void => {
    const problem = answered
      ? `no byte arrived for ${options.idleMs / 1000} s`
      : `no answer came for ${answerMs / 1000} s`;
    idle.abort(new DownloadError(problem, { transient: true, unreachable: !answered }));
  };
  const answerMs = options.answerMs ?? options.idleMs;
  let timer = setTimeout(giveUp, answerMs);
  try {
    const { url, headers } = toRequest(options, mayResume ? present : 0, begun?.validator);
    const response = await request(url, {
      headers,
      network: options.network,
      signal: anyOf(signal, idle.signal),
      onAnswer: options.onAnswer,
    });
    answered = true;
    clearTimeout(timer);
    timer = setTimeout(giveUp, options.idleMs);
    if (response.status !== 200 && response.status !== 206) {
      await response.body?.cancel();
      // The part is longer than the file now is.
      if (response.status === 416) await rm(`${path}.json`, { force: true });
      throw toStatusError(response);
    }
    const { from, totalBytes } = readRange(response);
    if (from !== 0 && (from !== present || totalBytes !== (begun?.totalBytes ?? totalBytes))) {
      await response.body?.cancel();
      await rm(`${path}.json`, { force: true });
      throw new DownloadError('the server sent another part than the one asked for', { transient: true });
    }

    await ensureSpace(dirname(path), (totalBytes ?? 0) - from);
    // The description first, then the part: a crash between the two costs a transfer and never gives a wrong file.
    if (from === 0) {
      await rm(path, { force: true });
      await writeBegun(path, { totalBytes, validator: toValidator(response) });
    }
    let received = from;
    const file = await open(path, 'a');
    try {
      onProgress?.(received, totalBytes);
      for await (const chunk of response.body ?? []) {
        timer.refresh();
        await file.appendFile(chunk);
        received += chunk.byteLength;
        onProgress?.(received, totalBytes);
      }
    } finally {
      await file.close();
    }
    if (totalBytes !== undefined && received !== totalBytes) {
      throw new DownloadError(`the answer ended after ${received} of ${totalBytes} bytes`, { transient: true });
    }
    if (totalBytes === undefined) await writeBegun(path, { totalBytes: received });
  } catch (error) {
    throw toSpaceError(dirname(path), error) ?? toConnectionError(error, answered, idle.signal);
  } finally {
    clearTimeout(timer);
  }
}

function toRequest(options: TransferOptions, from: number, validator: string | undefined) {
  const url = new URL(options.url);
  // A compressed answer has another length, and its parts cannot be joined.
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (options.authorization !== undefined) headers['authorization'] = options.authorization;
  if (url.username !== '' || url.password !== '') {
    const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers['authorization'] = `Basic ${Buffer.from(login).toString('base64')}`;
    url.username = '';
    url.password = '';
  }
  if (from > 0) {
    headers['range'] = `bytes=${from}-`;
    if (validator !== undefined) headers['if-range'] = validator;
  }
  return { url, headers };
}

/** First byte of the answer within the file, and the length of the file (RFC 9110, 14.4). */
function readRange(response: Response): { from: number; totalBytes: number | undefined } {
  if (response.status === 200) {
    const length = response.headers.get('content-length');
    const encoded = (response.headers.get('content-encoding') ?? 'identity') !== 'identity';
    return { from: 0, totalBytes: length === null || encoded ? undefined : Number(length) };
  }
  const [, from, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '') ?? [];
  return { from: Number(from ?? -1), totalBytes: total === undefined || total === '*' ? undefined : Number(total) };
}

function toValidator({ headers }: Response): string | undefined {
  const etag = headers.get('etag');
  // Weak ones say "means the same", not "is the same": of no use for joining bytes (RFC 9110, 13.1.5).
  return etag !== null && !etag.startsWith('W/') ? etag : (headers.get('last-modified') ?? undefined);
}

async function readBegun(path: string): Promise<Begun | undefined> {
  try {
    return JSON.parse(await readFile(`${path}.json`, 'utf8')) as Begun;
  } catch {
    return undefined;
  }
}

async function writeBegun(path: string, begun: Begun): Promise<void> {
  await writeFile(`${path}.json`, JSON.stringify(begun));
}

function anyOf(signal: AbortSignal | undefined, idle: AbortSignal): AbortSignal {
  return signal ? AbortSignal.any([signal, idle]) : idle;
}
