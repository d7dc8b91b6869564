import { request as requestHttp, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import { decodeText, decompress } from './decode.ts';
import { MismatchError, UnreachableError } from './errors.ts';

export interface Call {
  /** Default: POST with a body, else GET. */
  readonly method?: string;
  /** The path below the base URL; begins with `/`. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** A key that replaces the configured key; null sends no key. */
  readonly key?: string | null;
  /** Returns a 429 or 503 as the answer. Default: sends the request again after `Retry-After`. */
  readonly impatient?: boolean;
  /** Closes the connection after the first bytes of the body. */
  readonly cut?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The body as text; empty for an audio file. */
  readonly text: string;
  readonly bytes: Buffer;
}

export type Send = (call: Call) => Promise<Answer>;

export interface ClientOptions {
  /** The base URL without `/v1`. */
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
}

/** The limit protects the server from an endless loop; no check needs more requests. */
const MAX_REQUESTS = 40;
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_TRIES = 6;
const MAX_WAIT_SECONDS = 20;

/**
 * Sends the requests of one check. Each request has its own connection, which is closed when the answer is complete or
 * `signal` aborts. Redirects are not followed, so requests go only to the base URL. Rejects with a MismatchError if the
 * connection breaks during a request, and with an UnreachableError if there is no connection.
 */
export function createSend({ baseUrl, apiKey }: ClientOptions, signal: AbortSignal): Send {
  let sent = 0;
  return async (call) => {
    for (let tries = 1; ; tries += 1) {
      sent += 1;
      if (sent > MAX_REQUESTS) throw new Error(`more than ${MAX_REQUESTS} requests in one check`);
      const answer = await exchange(baseUrl, call, call.key === undefined ? apiKey : call.key, signal);
      const wait = secondsToWait(answer);
      if (call.impatient || wait === undefined || tries >= MAX_TRIES) return answer;
      await pause(wait * 1000, undefined, { signal });
    }
  };
}

/** The wait before the next try, in seconds; undefined if the answer has no wait or the wait is too long. */
function secondsToWait({ status, headers }: Answer): number | undefined {
  if (status !== 429 && status !== 503) return undefined;
  const seconds = Number(headers['retry-after']);
  return Number.isFinite(seconds) && seconds >= 0 && seconds <= MAX_WAIT_SECONDS ? Math.max(seconds, 0.1) : undefined;
}

function exchange(base: string, call: Call, key: string | null | undefined, signal: AbortSignal): Promise<Answer> {
  const url = new URL(`${base}${call.path}`);
  const data = call.raw ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
  const method = call.method ?? (data === undefined ? 'GET' : 'POST');
  const headers = {
    accept: 'application/json, text/event-stream',
    // Every official SDK sends this header, for streams too.
    'accept-encoding': 'gzip, deflate, br',
    'user-agent': 'xim-conformance',
    ...(key ? { authorization: `Bearer ${key}` } : {}),
    ...(data === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(data) }),
    ...call.headers,
  };
  return new Promise((resolve, reject) => {
    const start = url.protocol === 'https:' ? requestHttps : requestHttp;
    const request = start(url, { method, headers, signal, agent: false });
    const fail = (error: NodeJS.ErrnoException) => {
      request.destroy();
      reject(toFailure(error, method, call.path));
    };
    request.once('error', fail);
    request.once('response', (response) => {
      // A server that answers before it has read the whole body may close the connection while the body is sent.
      request.off('error', fail).on('error', () => {});
      collect(response, call.cut === true)
        .then((bytes) => {
          if (call.cut) request.destroy();
          const { statusCode: status = 0, headers: found } = response;
          const plain = call.cut ? Buffer.alloc(0) : decompress(bytes, found['content-encoding'], MAX_BYTES);
          resolve({ status, headers: found, text: decodeText(plain, found['content-type']), bytes: plain });
        }, fail)
        .catch(reject);
    });
    request.end(data);
  });
}

async function collect(response: IncomingMessage, cut: boolean): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (cut) break;
    if (size > MAX_BYTES) throw new Error(`the answer is longer than ${MAX_BYTES} bytes`);
  }
  return Buffer.concat(chunks);
}

function toFailure(error: NodeJS.ErrnoException, method: string, path: string): Error {
  if (error.name === 'AbortError') return error;
  if (['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'].includes(error.code ?? ''))
    return new UnreachableError(error.message);
  return new MismatchError(`a whole answer to ${method} ${path}`, `${error.code ?? error.name}: ${error.message}`, {
    name: 'connection:broken',
    sentence: 'the connection breaks before the end of an answer',
  });
}
