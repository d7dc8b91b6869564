import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Answer, startFileServer } from './file-server.ts';

export interface FakeRepo {
  readonly commit: string;
  /** Commits of further branches and tags, which have the same files. */
  readonly refs?: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, Buffer>>;
  readonly licence?: string;
  /** Only for this token. */
  readonly token?: string;
  /** Headers instead of the true ones, on the hub's own answer. */
  readonly lies?: Readonly<Record<string, string>>;
}

export interface HubRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
}

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
export const gitId = (content: Buffer): string =>
  createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
/** Files that the hub stores as large files. */
const isLarge = (path: string): boolean => /\.(?:gguf|safetensors|onnx|bin)$/.test(path);

/**
 * A hub as its clients see it: the API of models, files by revision, large ones on another host. The n-th request for
 * a file's address gets the n-th of `answers` instead of the true answer, while there are any.
 */
export async function startFakeHub(repos: Readonly<Record<string, FakeRepo>>) {
  const cdn = await startFileServer({});
  for (const { files } of Object.values(repos)) {
    for (const content of Object.values(files)) {
      cdn.files[`/${sha256(content)}`] = { body: content, etag: `"${sha256(content).slice(0, 8)}"` };
    }
  }
  const requests: HubRequest[] = [];
  const answers: Answer[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    requests.push({ method: request.method ?? '', path, authorization: request.headers.authorization });
    const turn = path.includes('/resolve/') || path.startsWith('/api/') ? answers.shift() : undefined;
    if (turn?.status !== undefined) return void response.writeHead(turn.status, turn.headers).end('not now');
    answer(request, response, path, repos, cdn.url('/').href);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answers,
    cdn,
    async close(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await Promise.all([once(server, 'close'), cdn.close()]);
    },
  };
}

export type FakeHub = Awaited<ReturnType<typeof startFakeHub>>;

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  repos: Readonly<Record<string, FakeRepo>>,
  cdn: string,
): void {
  const refuse = (status: number, code: string): void =>
    void response.writeHead(status, { 'x-error-code': code, 'content-type': 'application/json' }).end('{"error":"no"}');
  const [, api, id, rest = ''] = /^(\/api\/models)?\/([^/]+\/[^/?]+)(?:\/([^?]*))?/.exec(path) ?? [];
  const repo = repos[id ?? ''];
  if (id === undefined || !repo) return refuse(401, 'RepoNotFound');
  const [verb, revision = 'main', ...parts] = rest.split('/');
  if (verb !== '' && !isKnown(repo, revision)) return refuse(404, 'RevisionNotFound');
  const { authorization } = request.headers;
  const mayRead = repo.token === undefined || authorization === `Bearer ${repo.token}`;
  if (api !== undefined && verb !== 'tree') {
    return sendJson(response, toInfo(id, { ...repo, commit: repo.refs?.[revision] ?? repo.commit }));
  }
  if (!mayRead) return refuse(authorization === undefined ? 401 : 403, 'GatedRepo');
  if (api !== undefined) return sendJson(response, toTree(repo));

  const content = repo.files[parts.join('/')];
  if (verb !== 'resolve' || !content) return refuse(404, 'EntryNotFound');
  const large = isLarge(parts.join('/'));
  const headers: Record<string, string> = {
    'x-repo-commit': repo.commit,
    'accept-ranges': 'bytes',
    ...(large
      ? { 'x-linked-etag': `"${sha256(content)}"`, 'x-linked-size': String(content.length), etag: '"pointer"' }
      : { etag: `"${gitId(content)}"` }),
    ...repo.lies,
  };
  if (large) return void response.writeHead(302, { ...headers, location: `${cdn}${sha256(content)}` }).end();
  response.writeHead(200, { ...headers, 'content-length': content.length });
  response.end(request.method === 'HEAD' ? undefined : content);
}

function isKnown({ commit, refs = {} }: FakeRepo, revision: string): boolean {
  return ['main', 'HEAD', commit, ...Object.keys(refs), ...Object.values(refs)].includes(revision);
}

function toInfo(id: string, { commit, files, licence, token }: FakeRepo) {
  return {
    _id: 'abc',
    id,
    sha: commit,
    private: false,
    gated: token === undefined ? false : 'manual',
    cardData: licence === undefined ? {} : { license: licence },
    createdAt: '2024-11-01T00:00:00.000Z',
    lastModified: '2024-11-02T00:00:00.000Z',
    downloads: 1,
    likes: 1,
    tags: [],
    siblings: Object.keys(files).map((rfilename) => ({ rfilename })),
  };
}

function toTree({ files }: FakeRepo) {
  return Object.entries(files).map(([path, content]) => ({
    type: 'file',
    path,
    size: content.length,
    oid: gitId(content),
    ...(isLarge(path) && { lfs: { oid: sha256(content), size: content.length, pointerSize: 134 } }),
  }));
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
