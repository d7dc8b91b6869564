import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** The behaviour of one answer. The n-th request for a file gets the n-th answer; later requests get the last one. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Destroys the connection after so many bytes of this answer, once a file of `clientFolder` has them. */
  readonly cutAfter?: number;
  /** Sends so many bytes of this answer and then nothing more. */
  readonly hangAfter?: number;
  /** Content-Length instead of the true one; null: none. */
  readonly length?: number | null;
  /** Answers 200 with the whole file at any range. */
  readonly ignoreRange?: boolean;
}

export interface ServedFile {
  body: Buffer;
  etag?: string | undefined;
  answers?: readonly Answer[];
}

export interface SeenRequest {
  readonly path: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly authorization: string | undefined;
}

/**
 * A web server with the ranges of RFC 9110, except for the faults of its answers. A client discards bytes that it
 * received and has not read when the connection breaks, so a cut waits until they are in a file of `clientFolder`.
 */
export async function startFileServer(files: Record<string, ServedFile>) {
  const requests: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const { range, authorization } = request.headers;
    requests.push({ path, range, ifRange: request.headers['if-range'] as string | undefined, authorization });
    const file = files[path];
    if (!file) return void response.writeHead(404).end('not here');
    const turn = requests.filter((seen) => seen.path === path).length - 1;
    const answer = file.answers?.[Math.min(turn, file.answers.length - 1)] ?? {};
    send(request, response, file, answer, web.clientFolder);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const web = {
    files,
    requests,
    /** Folder of the files that the client writes; needed for `cutAfter`. */
    clientFolder: '',
    url: (path: string): URL => new URL(path, `http://127.0.0.1:${port}`),
    async close(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return web;
}

export type FileServer = Awaited<ReturnType<typeof startFileServer>>;

function send(
  request: IncomingMessage,
  response: ServerResponse,
  file: ServedFile,
  answer: Answer,
  clientFolder: string,
): void {
  const { body, etag } = file;
  if (answer.status !== undefined) return void response.writeHead(answer.status, answer.headers).end('refused');
  const validator = request.headers['if-range'];
  const [, first] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
  const ranged = first !== undefined && !answer.ignoreRange && (validator === undefined || validator === etag);
  const from = ranged ? Number(first) : 0;
  if (from >= body.length) return void response.writeHead(416).end();

  const part = body.subarray(from);
  const length = answer.length === undefined ? part.length : answer.length;
  response.writeHead(ranged ? 206 : 200, {
    ...(length === null ? {} : { 'content-length': length }),
    ...(etag === undefined ? {} : { etag }),
    ...(ranged ? { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` } : {}),
    ...answer.headers,
  });
  const limit = answer.cutAfter ?? answer.hangAfter;
  if (limit === undefined) return void response.end(part);
  response.write(part.subarray(0, limit), () => {
    if (answer.cutAfter !== undefined) cutWhenWritten(response, clientFolder, from + limit);
  });
}

/** Destroys the connection when a file of the client has so many bytes, or after 20 s, so that a test fails and ends. */
function cutWhenWritten(response: ServerResponse, clientFolder: string, bytes: number): void {
  const start = performance.now();
  const timer = setInterval(() => {
    if (!response.destroyed && largestFile(clientFolder) < bytes && performance.now() - start < 20_000) return;
    clearInterval(timer);
    response.destroy();
  }, 5);
}

function largestFile(folder: string): number {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return Math.max(0, ...paths.map((path) => statSync(join(folder, path), { throwIfNoEntry: false })?.size ?? 0));
}
