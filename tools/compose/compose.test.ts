import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COMPOSE = join(ROOT, 'xim/compose');
const HAPROXY = 'haproxy: Debian has it in the package haproxy';
const hasHaproxy = spawnSync('haproxy', ['-v']).status === 0;
const SERVICES = ['chat', 'embedding', 'rerank', 'whisperx', 'speech', 'sd-ipex'] as const;
type Service = (typeof SERVICES)[number];

/** A service that tells what reached it; a test can give its next answers. */
interface Backend {
  readonly server: Server;
  readonly port: number;
  /** Method and path of each request, in order. */
  readonly seen: string[];
  readonly next: ((request: IncomingMessage, response: ServerResponse) => void)[];
  ready: boolean;
}

async function startBackend(name: string): Promise<Backend> {
  const seen: string[] = [];
  const next: Backend['next'] = [];
  const server = createServer((request, response) => {
    if (request.url === '/health/ready') return void response.writeHead(backend.ready ? 200 : 503).end();
    seen.push(`${request.method} ${request.url}`);
    const answer = next.shift();
    if (answer) return answer(request, response);
    request.resume().on('end', () => response.setHeader('content-type', 'text/plain').end(name));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const backend: Backend = { server, port: (server.address() as AddressInfo).port, seen, next, ready: true };
  return backend;
}

describe('the proxy', () => {
  const backends = {} as Record<Service, Backend>;
  let haproxy: ChildProcess | undefined;
  let tmp: string;
  let origin: string;

  beforeAll(async () => {
    tmp = mkdtempSync(join(tmpdir(), 'xim-compose-'));
    for (const name of SERVICES) backends[name] = await startBackend(name);
    if (!hasHaproxy) return;
    cpSync(COMPOSE, tmp, { recursive: true });
    appendFileSync(join(tmp, 'models.map'), 'qwen3-reader whisperx\n');
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    free.close();
    await once(free, 'close');
    origin = `http://127.0.0.1:${port}`;
    const addresses = SERVICES.map((name) => [
      `XIM_${name.toUpperCase().replace('-', '_')}`,
      `127.0.0.1:${backends[name].port}`,
    ]);
    haproxy = spawn('haproxy', ['-W', '-f', join(tmp, 'haproxy.cfg')], {
      env: { ...process.env, ...Object.fromEntries(addresses), XIM_MAPS: tmp, XIM_BIND: `127.0.0.1:${port}` },
      stdio: 'ignore',
    });
    for (const name of SERVICES)
      await vi.waitFor(async () => expect((await fetch(`${origin}/${name}/`)).status).toBe(200), { timeout: 30_000 });
  }, 60_000);

  afterAll(async () => {
    for (const { server } of Object.values(backends)) {
      server.close();
      server.closeAllConnections();
    }
    if (haproxy) {
      haproxy.kill();
      await once(haproxy, 'exit');
    }
    rmSync(tmp, { recursive: true, force: true });
  });

  beforeEach((context) => {
    context.skip(!hasHaproxy, HAPROXY);
    for (const backend of Object.values(backends)) backend.seen.length = 0;
  });

  const post = (path: string, body: object) =>
    fetch(`${origin}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  it.each<[string, Service]>([
    ['/v1/chat/completions', 'chat'],
    ['/v1/responses', 'chat'],
    ['/v1/embeddings', 'embedding'],
    ['/embed', 'embedding'],
    ['/v1/rerank', 'rerank'],
    ['/v2/rerank', 'rerank'],
    ['/rerank', 'rerank'],
    ['/v1/score', 'rerank'],
    ['/v1/audio/transcriptions', 'whisperx'],
    ['/v1/audio/speech', 'speech'],
    ['/v1/images/generations', 'sd-ipex'],
    ['/speech/v1/models', 'speech'],
    ['/embedding/v1/embeddings', 'embedding'],
  ])('leads %s to %s', async (path, service) => {
    const answer = await post(path, { model: 'any' });
    expect([answer.status, await answer.text()]).toEqual([200, service]);
    const within = path.startsWith(`/${service}/`) ? path.slice(service.length + 1) : path;
    expect(backends[service].seen).toEqual([`POST ${within}`]);
  });

  it('leads a model of models.map to its service, wherever the name stands in the body', async () => {
    const body = { messages: ['x'.repeat(100_000)], model: 'qwen3-reader' };
    expect(await (await post('/v1/chat/completions', body)).text()).toBe('whisperx');
  });

  it('takes a body that is larger than its buffer', async () => {
    const answer = await post('/v1/embeddings', { input: 'x'.repeat(2_000_000), model: 'any' });
    expect([answer.status, await answer.text()]).toEqual([200, 'embedding']);
  });

  it('hands on each part of a stream when it comes', async () => {
    let readFirst = (): void => {};
    const firstWasRead = new Promise<void>((resolve) => (readFirst = resolve));
    backends.chat.next.push((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
      void firstWasRead.then(() => response.end('data: [DONE]\n\n'));
    });
    const reader = (await post('/v1/chat/completions', { stream: true })).body!.getReader();
    const first = await reader.read();
    readFirst();
    const second = await reader.read();
    expect([first, second].map(({ value }) => Buffer.from(value!).toString())).toEqual([
      'data: 1\n\n',
      'data: [DONE]\n\n',
    ]);
  });

  it('asks again after a replica that has not begun', async () => {
    backends.chat.next.push((_request, response) => response.writeHead(503).end());
    const answer = await post('/v1/chat/completions', { messages: [] });
    expect([answer.status, await answer.text()]).toEqual([200, 'chat']);
    expect(backends.chat.seen).toHaveLength(2);
  });

  it('opens a connection for each request, so that none is sent to a host that vanished', async () => {
    const ports: (number | undefined)[] = [];
    const note: Backend['next'][number] = (request, response) => {
      ports.push(request.socket.remotePort);
      request.resume().on('end', () => response.end('chat'));
    };
    backends.chat.next.push(note, note, note);
    for (let sent = 0; sent < 3; sent += 1) expect(await (await post('/v1/chat/completions', {})).text()).toBe('chat');
    expect(new Set(ports).size).toBe(3);
  });

  it('limits the time of data without acknowledgement, but not of an upload that waits for its slot', () => {
    const lines = readFileSync(join(COMPOSE, 'haproxy.cfg'), 'utf8').split('\n');
    const servers = lines.filter((line) => line.trim().startsWith('server-template '));
    const limited = servers.filter((line) => line.includes(' tcp-ut ')).map((line) => line.trim().split(' ')[1]);
    expect(limited).toEqual(['chat', 'embedding', 'rerank', 'speech']);
    expect(lines.filter((line) => line.trim().startsWith('default-server ')).join()).not.toContain('tcp-ut');
  });

  it.each([429, 500])('hands on an answer with status %i', async (status) => {
    backends.chat.next.push((_request, response) => response.writeHead(status).end('the service says why'));
    const answer = await post('/v1/chat/completions', { messages: [] });
    expect([answer.status, await answer.text()]).toEqual([status, 'the service says why']);
    expect(backends.chat.seen).toHaveLength(1);
  });

  it('shows no metrics', async () => {
    expect((await fetch(`${origin}/metrics`)).status).toBe(404);
    expect((await fetch(`${origin}/chat/metrics`)).status).toBe(404);
    expect(backends.chat.seen).toEqual([]);
  });

  it("says in the API's error object that no replica is ready", async () => {
    backends.speech.ready = false;
    const unready = async () => {
      const answer = await post('/v1/audio/speech', {});
      expect(answer.status).toBe(503);
      return answer;
    };
    const answer = await vi.waitFor(unready, { timeout: 30_000 });
    expect(await answer.json()).toMatchObject({ error: { type: 'server_error', code: 'no_replica' } });
    expect(answer.headers.get('retry-after')).toBe('5');
  });
});

describe('the family', () => {
  const map = (file: string) =>
    readFileSync(join(COMPOSE, file), 'utf8')
      .split('\n')
      .filter((line) => line && !line.startsWith('#'))
      .map((line) => line.split(/\s+/) as [string, string]);
  const { services } = parse(readFileSync(join(COMPOSE, 'compose.yaml'), 'utf8'), { merge: true }) as {
    services: Record<string, { image: string; volumes?: string[] }>;
  };

  it('has the same services in every file', () => {
    const own = Object.entries(services).flatMap(([name, { image }]) => (image.includes('XIM_REGISTRY') ? [name] : []));
    expect(own).toEqual(SERVICES);
    expect(map('services.map')).toEqual(SERVICES.map((name) => [name, name]));
    expect(SERVICES).toEqual(expect.arrayContaining(map('paths.map').map(([, service]) => service)));
    const { scrape_configs } = parse(readFileSync(join(ROOT, 'xim/observability/prometheus.yaml'), 'utf8'));
    expect(scrape_configs[0].dns_sd_configs[0].names).toEqual(SERVICES);
  });

  it.each(SERVICES)('%s is an app', (name) => {
    expect(existsSync(join(ROOT, 'apps', name, 'Dockerfile'))).toBe(true);
  });

  it('mounts only folders that exist', () => {
    const folders = Object.values(services).flatMap(({ volumes = [] }) =>
      volumes.map((volume) => volume.split(':')[0]!).filter((source) => source.startsWith('.')),
    );
    expect(folders.length).toBeGreaterThan(2);
    expect(folders.filter((folder) => !existsSync(join(COMPOSE, folder)))).toEqual([]);
  });
});
