import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeHub, startFakeHub } from '../../test/fake-hub.ts';
import { makeFile, makeModel, noise } from '../../test/model.ts';
import { type Proxy, startProxy } from '../../test/proxy.ts';
import { fetchArtifact } from '../cache/fetch-artifact.ts';
import { listRepo } from '../hub/hub-listing.ts';
import { toHub } from '../hub/hub-settings.ts';
import { checkNetwork, toNetwork } from './network.ts';

const TLS = join(import.meta.dirname, '../../test/tls');
const AUTHORITY = join(TLS, 'authority.pem');
const WEIGHTS = noise(20_000);

let folder: string;
let hub: FakeHub;
let tls: Server;
let tlsPort: number;
let proxies: Proxy[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'xim-network-'));
  proxies = [];
  hub = await startFakeHub({ 'org/tiny': { commit: 'c'.repeat(40), files: { 'model.onnx': WEIGHTS } } });
  const [key, cert] = ['server.key', 'server.pem'].map((name) => readFileSync(join(TLS, name)));
  tls = createServer({ key, cert }, (_, response) => void response.end('over TLS'));
  tls.listen(0, '127.0.0.1');
  await once(tls, 'listening');
  tlsPort = (tls.address() as AddressInfo).port;
});
afterEach(async () => {
  tls.closeAllConnections();
  tls.close();
  await Promise.all([once(tls, 'close'), hub.close(), ...proxies.map((proxy) => proxy.close())]);
  rmSync(folder, { recursive: true });
});

async function proxy(login?: string): Promise<Proxy> {
  const started = await startProxy(login);
  proxies.push(started);
  return started;
}
const get = async (env: Record<string, string>, url: string): Promise<string> =>
  (await toNetwork(env).fetch(url)).text();

test.each(['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'])(
  '%s: a host that only the proxy knows is reached through it, with the authority of SSL_CERT_FILE',
  async (name) => {
    const { port, seen } = await proxy('me:p@ss');
    const env = { [name]: `http://me:p%40ss@127.0.0.1:${port}`, SSL_CERT_FILE: AUTHORITY };
    expect(await get(env, `https://hub.test:${tlsPort}/`)).toBe('over TLS');
    expect(seen).toEqual([`CONNECT hub.test:${tlsPort}`]);
  },
);

test.each(['http_proxy', 'HTTP_PROXY', 'ALL_PROXY'])('%s: model and listing of a hub come through it', async (name) => {
  const { port, seen } = await proxy();
  const { port: hubPort } = new URL(hub.endpoint);
  // Without a scheme, as curl takes it.
  const its = toHub({ HF_ENDPOINT: `http://hub.test:${hubPort}`, [name]: `127.0.0.1:${port}`, HF_HOME: folder });
  const model = makeModel([makeFile('model.onnx', WEIGHTS, 'hf:org/tiny')]);
  const cacheDir = join(folder, 'cache');
  const snapshot = await fetchArtifact({ model, artifact: 'main', cacheDir, python: '/none', hub: its });
  expect(readFileSync(join(snapshot, 'model.onnx')).equals(WEIGHTS)).toBe(true);
  expect((await listRepo(its, { repo: 'org/tiny', revision: 'main' })).files).toHaveLength(1);
  expect(seen[0]).toBe(`GET http://hub.test:${hubPort}/org/tiny/resolve/main/model.onnx`);
  // The redirect to the host of large files goes through it too.
  expect(seen[1]).toContain(hub.cdn.url('/').href);
});

test('each scheme has its own proxy, and lower case comes first', async () => {
  const [one, other] = [await proxy(), await proxy()];
  const env = { HTTP_PROXY: `http://127.0.0.1:${one.port}`, SSL_CERT_FILE: AUTHORITY };
  expect(await get(env, `https://localhost:${tlsPort}/`)).toBe('over TLS');
  expect(one.seen).toEqual([]);
  await get({ ...env, http_proxy: `http://127.0.0.1:${other.port}` }, hub.cdn.url('/x').href);
  expect([one.seen.length, other.seen.length]).toEqual([0, 1]);
});

test.each([
  ['127.0.0.1', true],
  ['example.com, 127.0.0.1', true],
  ['*', true],
  ['127.0.0.1:1', false],
  ['example.com', false],
])('NO_PROXY=%s', async (value, direct) => {
  const { port, seen } = await proxy();
  for (const name of ['NO_PROXY', 'no_proxy']) {
    await get({ HTTP_PROXY: `http://127.0.0.1:${port}`, [name]: value }, hub.cdn.url('/x').href);
  }
  expect(seen).toHaveLength(direct ? 0 : 2);
});

test.each(['SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'SSL_CERT_DIR'])(
  '%s names the authorities to believe',
  async (name) => {
    const url = `https://localhost:${tlsPort}/`;
    await expect(get({}, url)).rejects.toThrow('fetch failed');
    writeFileSync(join(folder, 'authority.pem'), readFileSync(AUTHORITY));
    expect(await get({ [name]: name === 'SSL_CERT_DIR' ? folder : AUTHORITY }, url)).toBe('over TLS');
  },
);

test('NODE_EXTRA_CA_CERTS adds to those that replace Node’s own', async () => {
  const other = join(folder, 'other.pem');
  writeFileSync(other, readFileSync(join(TLS, 'server.pem')));
  const env = { SSL_CERT_FILE: other, NODE_EXTRA_CA_CERTS: AUTHORITY };
  expect(await get(env, `https://localhost:${tlsPort}/`)).toBe('over TLS');
});

test('a refused login of the proxy is an error, and no request goes past it', async () => {
  const { port } = await proxy('me:secret');
  const its = toHub({
    HF_ENDPOINT: `https://localhost:${tlsPort}`,
    HTTPS_PROXY: `http://127.0.0.1:${port}`,
    SSL_CERT_FILE: AUTHORITY,
    HF_HOME: folder,
  });
  await expect(listRepo(its, { repo: 'org/tiny', revision: 'main' })).rejects.toThrow('407');
});

test('what cannot be used is named, without a password; what is ignored is said', () => {
  const missing = join(folder, 'none.pem');
  expect(
    checkNetwork({
      HTTPS_PROXY: 'http://me:secret@:80:80',
      SSL_CERT_FILE: missing,
      ALL_PROXY: 'socks5://me:secret@h:1',
    }),
  ).toEqual({
    problems: [
      'HTTPS_PROXY is no address of a proxy; expected http://host:port or http://user:password@host:port.',
      `SSL_CERT_FILE="${missing}" cannot be used (ENOENT: no such file or directory, stat '${missing}'); expected certificates as PEM.`,
    ],
    warnings: [
      'ALL_PROXY is ignored for models: it names a proxy of the kind socks5, and only http and https are known.',
    ],
  });
  expect(checkNetwork({ HTTPS_PROXY: 'h:1', NO_PROXY: '*', SSL_CERT_FILE: AUTHORITY })).toEqual({
    problems: [],
    warnings: [],
  });
});
