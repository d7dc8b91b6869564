import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelEntry } from '@xim/engine';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type FakeHub, startFakeHub } from '../../test/fake-hub.ts';
import { startFileServer } from '../../test/file-server.ts';
import { impatient } from '../../test/impatient.ts';
import { makeFile, makeModel, noise, sha256 } from '../../test/model.ts';
import { makeZip } from '../../test/zip.ts';
import { fetchArtifact, type FetchOptions } from '../cache/fetch-artifact.ts';
import { listRepo, toFacts } from './hub-listing.ts';
import type { Hub } from './hub-settings.ts';
import { toHubReference } from './hub-reference.ts';

vi.setConfig({ testTimeout: 120_000 });

const COMMIT = 'c'.repeat(40);
const WEIGHTS = noise(300_000);
const CONFIG = Buffer.from('{"hidden_size": 384}');
const FILES = { 'model.onnx': WEIGHTS, 'config.json': CONFIG };

let folder: string;
let cacheDir: string;
let hub: FakeHub;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'xim-hub-'));
  cacheDir = join(folder, 'cache');
  hub = await startFakeHub({
    'org/tiny': { commit: COMMIT, files: FILES, licence: 'apache-2.0' },
    'org/gated': { commit: COMMIT, files: FILES, token: 'secret' },
    'org/liar': { commit: COMMIT, files: FILES, lies: { 'x-linked-etag': `"${'a'.repeat(64)}"` } },
    'org/short': { commit: COMMIT, files: FILES, lies: { 'x-linked-size': '7' } },
  });
  hub.cdn.clientFolder = cacheDir;
});
afterEach(async () => {
  await hub.close();
  rmSync(folder, { recursive: true });
});

const toHub = (token?: string): Hub => ({ endpoint: hub.endpoint, token, network: impatient });

function fetchFrom(source: string, more: Partial<FetchOptions> = {}, model?: ModelEntry): Promise<string> {
  const entry = model ?? makeModel([makeFile('model.onnx', WEIGHTS, source), makeFile('config.json', CONFIG, source)]);
  return fetchArtifact({ model: entry, artifact: 'main', cacheDir, python: 'python3', hub: toHub(), ...more });
}

const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing was refused',
    (error: Error) => error.message,
  );

test('brings large files from the host that the hub names, small ones from the hub itself', async () => {
  const snapshot = await fetchFrom(`hf:org/tiny@${COMMIT}`);
  expect(readFileSync(join(snapshot, 'model.onnx')).equals(WEIGHTS)).toBe(true);
  expect(readFileSync(join(snapshot, 'config.json')).equals(CONFIG)).toBe(true);
  expect(hub.cdn.requests.map(({ path }) => path)).toEqual([`/${sha256(WEIGHTS)}`]);
  expect(readdirSync(cacheDir).sort()).toEqual(['.locks', 'models--org--tiny']);
});

test('takes the file from the path that the source names', async () => {
  const model = makeModel([makeFile('weights/renamed.onnx', WEIGHTS, 'hf:org/tiny#model.onnx')]);
  expect(existsSync(join(await fetchFrom('', {}, model), 'weights/renamed.onnx'))).toBe(true);
});

test('gives the token to the hub and to no other host', async () => {
  await fetchFrom('hf:org/gated', { hub: toHub('secret') });
  expect(hub.requests.map(({ authorization }) => authorization)).toEqual(['Bearer secret', 'Bearer secret']);
  expect(hub.cdn.requests.map(({ authorization }) => authorization)).toEqual([undefined]);
});

test('goes on through the redirect after a cut connection', async () => {
  hub.cdn.files[`/${sha256(WEIGHTS)}`]!.answers = [{ cutAfter: 100_000 }, {}];
  const snapshot = await fetchFrom('hf:org/tiny');
  expect(readFileSync(join(snapshot, 'model.onnx')).equals(WEIGHTS)).toBe(true);
  expect(hub.cdn.requests.map(({ range }) => range)).toEqual([undefined, 'bytes=100000-']);
});

test('says of a gated model where to accept its licence, and what the token lacks', async () => {
  const accept = `org/gated is gated: accept its licence at ${hub.endpoint}/org/gated and `;
  expect(await refusal(fetchFrom('hf:org/gated'))).toContain(`${accept}set HF_TOKEN to a token of that account`);
  const wrong = fetchFrom('hf:org/gated', { hub: toHub('wrong') });
  expect(await refusal(wrong)).toContain(`${accept}the token in use is not of such an account`);
  expect(hub.requests).toHaveLength(2);
});

test.each([
  ['hf:org/none', /org\/none is not on the hub, or only for those who may see it/],
  ['hf:org/tiny@v9', /org\/tiny has no such revision on the hub/],
  ['hf:org/tiny#other.onnx', /org\/tiny has no such file at this revision/],
  ['hf:org/liar', /the hub has another file there, sha256 a{64}; the lock file says/],
  ['hf:org/short', /the hub has another file there, of 7 bytes; the lock file says 300000/],
])('says what is wrong with %s without taking a byte', async (source, expected) => {
  expect(await refusal(fetchFrom(source))).toMatch(expected);
  expect(hub.cdn.requests).toEqual([]);
  expect(existsSync(join(cacheDir, 'models--org--tiny/snapshots'))).toBe(false);
});

test('waits when the hub asks to wait, and tries again after its failures', async () => {
  hub.answers.push({ status: 429, headers: { 'retry-after': '0' } }, { status: 500 }, { status: 503 });
  hub.answers.push({ status: 429, headers: { ratelimit: '"resolvers";r=0;t=1' } });
  await fetchFrom('hf:org/tiny');
  expect(hub.requests).toHaveLength(6);
});

test.each([
  ['a shorter content than it says', { length: 400_000, cutAfter: 300_000 }],
  ['other content', {}],
])('refuses %s from the host of large files, and leaves no file', async (what, answer) => {
  const served = hub.cdn.files[`/${sha256(WEIGHTS)}`]!;
  served.answers = [answer];
  if (what === 'other content') served.body = noise(WEIGHTS.length, 9);
  expect(await refusal(fetchFrom('hf:org/tiny'))).toMatch(
    /the connection was cut.*gave up after 5 tries|does not have the sha256 that was expected/,
  );
  expect(readdirSync(join(cacheDir, 'models--org--tiny'))).toEqual(['blobs']);
  expect(readdirSync(join(cacheDir, 'models--org--tiny/blobs'))).toEqual([]);
});

test('passes over a hub that nobody answers at, once for all files, in a sentence', async () => {
  const web = await startFileServer({ '/w': { body: WEIGHTS }, '/c': { body: CONFIG } });
  const files = [
    makeFile('model.onnx', WEIGHTS, 'hf:org/tiny', web.url('/w').href),
    makeFile('config.json', CONFIG, 'hf:org/tiny', web.url('/c').href),
  ];
  const said: string[] = [];
  const gone = await startFileServer({});
  const nobody: Hub = { endpoint: gone.url('/').origin, token: undefined, network: impatient };
  await gone.close();
  await fetchFrom('', { hub: nobody, onSkip: (line) => said.push(line) }, makeModel(files));
  await web.close();
  const why = `${nobody.endpoint} cannot be reached (ECONNREFUSED)`;
  expect(said).toEqual([
    expect.stringContaining(`model.onnx did not come from hf:org/tiny (${why}`),
    expect.stringContaining(`config.json did not come from hf:org/tiny (${why}`),
  ]);
  expect(said[0]).toContain(`trying ${web.url('/w').href}`);
  const listing = listRepo({ ...nobody, unreachable: undefined }, { repo: 'org/tiny', revision: 'main' });
  expect(await refusal(listing)).toContain(`${nobody.endpoint} could not be asked about org/tiny: no connection`);
});

test('with everything there, and offline in any case, no connection is opened and no program started', async () => {
  const every = ['hf:org/tiny', 'pypi:tiny==1.0#x', 'https://example.org/x', 'http://127.0.0.1:9/x'];
  const model = makeModel([makeFile('model.onnx', WEIGHTS, ...every)]);
  const snapshot = await fetchFrom('', {}, model);
  const absent = makeModel([makeFile('other.onnx', noise(10), ...every)], { revision: COMMIT });
  // Every connection of this process, those of fetch included, goes through here; so does each look-up of a name.
  const connect = vi.spyOn(Socket.prototype, 'connect');
  const more = { python: join(folder, 'a program that is not there') };
  expect(await fetchFrom('', more, model)).toBe(snapshot);
  expect(await fetchFrom('', { ...more, offline: true }, model)).toBe(snapshot);
  expect(await refusal(fetchFrom('', { ...more, offline: true }, absent))).toContain(
    `other.onnx of org/tiny is not in the model cache ${cacheDir}, and XIM_OFFLINE forbids to fetch it`,
  );
  expect(connect).not.toHaveBeenCalled();
  await refusal(fetchFrom('', more, absent));
  expect(connect).toHaveBeenCalled();
  connect.mockRestore();
});

test.each([
  ['a pickle', Buffer.from('\u0080\u0004\u0095 and so on', 'latin1')],
  ['an archive with one inside', makeZip([{ path: 'archive/data.pkl', content: Buffer.from('x') }])],
])('refuses %s, whatever it is called and however it came', async (_, content) => {
  const path = join(folder, 'model.bin');
  writeFileSync(path, content);
  const web = await startFileServer({ '/model.bin': { body: content } });
  for (const source of [`file:${path}`, web.url('/model.bin').href]) {
    const message = await refusal(fetchFrom('', {}, makeModel([makeFile('model.bin', content, source)])));
    expect(message).toContain('model.bin is a pickle, which runs code when it is read. Convert it to safetensors');
  }
  await web.close();
  expect(readdirSync(join(cacheDir, 'models--org--tiny/blobs'))).toEqual([]);
});

test('takes plain data that a pickle could be called like', async () => {
  const path = join(folder, 'model.bin');
  writeFileSync(path, WEIGHTS);
  const snapshot = await fetchFrom('', {}, makeModel([makeFile('model.bin', WEIGHTS, `file:${path}`)]));
  expect(readdirSync(snapshot)).toEqual(['model.bin']);
});

test('takes a file of this machine, and refuses what is none', async () => {
  const path = join(folder, 'here.onnx');
  const model = makeModel([makeFile('model.onnx', WEIGHTS, `file:${path}`)]);
  expect(await refusal(fetchFrom('', {}, model))).toContain(`file:${path}: there is no such file`);
  writeFileSync(path, WEIGHTS);
  expect(readFileSync(join(await fetchFrom('', {}, model), 'model.onnx')).equals(WEIGHTS)).toBe(true);
});

test('lists a repository with commit, licence and the checksums that the hub states or proves', async () => {
  const listing = await listRepo(toHub(), { repo: 'org/tiny', revision: 'main' });
  expect(listing).toMatchObject({ commit: COMMIT, gated: false, licence: 'apache-2.0', created: 1730419200 });
  const facts = (path: string) => toFacts(toHub(), listing, path);
  expect(await facts('model.onnx')).toEqual({ size: WEIGHTS.length, sha256: sha256(WEIGHTS) });
  expect(await facts('config.json')).toEqual({ size: CONFIG.length, sha256: sha256(CONFIG) });
  expect(await refusal(facts('none'))).toContain('org/tiny has no file none');
  const forged = { ...listing, files: listing.files.map((file) => ({ ...file, gitId: 'd'.repeat(40) })) };
  expect(await refusal(toFacts(toHub(), forged, 'config.json'))).toContain('is not what it lists');
  expect(await refusal(listRepo(toHub(), { repo: 'org/gated', revision: 'main' }))).toContain('org/gated is gated');
});

test.each([
  ['org/name', { repo: 'org/name', revision: 'main', path: undefined }],
  ['org/name@v1.0#a/b.gguf', { repo: 'org/name', revision: 'v1.0', path: 'a/b.gguf' }],
  ['name', undefined],
  ['org/name#../x', undefined],
  ['org/name@../x', undefined],
  ['org/na--me', undefined],
  ['org/../name', undefined],
])('reads the reference %s', (text, expected) => {
  expect(toHubReference(text)).toEqual(expected);
});
