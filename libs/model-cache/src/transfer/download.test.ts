import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CancelledError } from '@xim/engine';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type FileServer, type ServedFile, startFileServer } from '../../test/file-server.ts';
import { impatient } from '../../test/impatient.ts';
import { noise, sha256 } from '../../test/model.ts';
import { download, type DownloadOptions } from './download.ts';
import { DownloadError } from '../errors.ts';

vi.mock(import('node:timers/promises'), async (load) => {
  const original = await load();
  return { ...original, setTimeout: vi.fn(original.setTimeout) as typeof original.setTimeout };
});

const BODY = noise(200_000);
const HALF = 100_000;

let folder: string;
let server: FileServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'xim-download-'));
  server = await startFileServer({});
  server.clientFolder = folder;
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

function serve(file: Partial<ServedFile> = {}): DownloadOptions & { path: string } {
  server.files['/w.whl'] = { body: BODY, etag: '"v1"', ...file };
  return { url: server.url('/w.whl'), path: join(folder, 'w.whl'), sha256: sha256(BODY), network: impatient };
}

const ranges = (): (string | undefined)[] => server.requests.map(({ range }) => range);

test('brings a file and tells how far it is', async () => {
  const seen: [number, number | undefined][] = [];
  const options = serve();
  await download({ ...options, onProgress: (received, total) => void seen.push([received, total]) });
  expect(readFileSync(options.path).equals(BODY)).toBe(true);
  expect(seen[0]).toEqual([0, BODY.length]);
  expect(seen.at(-1)).toEqual([BODY.length, BODY.length]);
  // A complete file is not requested again.
  await download(options);
  expect(server.requests).toHaveLength(1);
});

test('goes on after a cut connection, asking for the rest of the same file', async () => {
  const options = serve({ answers: [{ cutAfter: HALF }, { cutAfter: 50_000 }, {}] });
  await download(options);
  expect(readFileSync(options.path).equals(BODY)).toBe(true);
  expect(ranges()).toEqual([undefined, `bytes=${HALF}-`, 'bytes=150000-']);
  expect(server.requests.map(({ ifRange }) => ifRange)).toEqual([undefined, '"v1"', '"v1"']);
});

test('goes on where an earlier call stopped', async () => {
  const options = serve({ answers: [{ cutAfter: HALF }, { status: 503 }, {}] });
  await expect(download({ ...options, attempts: 1 })).rejects.toThrow(DownloadError);
  expect(readFileSync(options.path).equals(BODY.subarray(0, HALF))).toBe(true);
  await download(options);
  expect(readFileSync(options.path).equals(BODY)).toBe(true);
  expect(ranges()).toEqual([undefined, `bytes=${HALF}-`, `bytes=${HALF}-`]);
});

test('begins again when the file on the server is another one now', async () => {
  const options = serve({ answers: [{ cutAfter: HALF }] });
  await expect(download({ ...options, attempts: 1 })).rejects.toThrow(DownloadError);
  const next = noise(150_000, 7);
  server.files['/w.whl'] = { body: next, etag: '"v2"' };
  await download({ ...options, sha256: sha256(next) });
  expect(readFileSync(options.path).equals(next)).toBe(true);
  expect(server.requests.at(-1)).toMatchObject({ range: `bytes=${HALF}-`, ifRange: '"v1"' });
});

test('begins again when the server knows no ranges', async () => {
  const options = serve({ answers: [{ cutAfter: HALF }, { ignoreRange: true }] });
  await download(options);
  expect(readFileSync(options.path).equals(BODY)).toBe(true);
});

test('never joins parts that nothing proves to be of one file', async () => {
  const options = { ...serve({ etag: undefined, answers: [{ cutAfter: HALF }, {}] }), sha256: undefined };
  await download(options);
  expect(readFileSync(options.path).equals(BODY)).toBe(true);
  expect(ranges()).toEqual([undefined, undefined]);
});

test('begins again, once, when what an earlier process left was damaged', async () => {
  const options = serve({ answers: [{ cutAfter: HALF }, {}] });
  await expect(download({ ...options, attempts: 1 })).rejects.toThrow(DownloadError);
  writeFileSync(options.path, noise(HALF, 9));
  await download(options);
  expect(readFileSync(options.path).equals(BODY)).toBe(true);
  expect(ranges()).toEqual([undefined, `bytes=${HALF}-`, undefined]);
});

test('refuses content with another checksum and keeps nothing of it', async () => {
  const options = { ...serve(), sha256: 'a'.repeat(64) };
  await expect(download(options)).rejects.toThrow(/\/w\.whl does not have the sha256 that was expected, a{64}/);
  expect(existsSync(options.path) || existsSync(`${options.path}.json`)).toBe(false);
});

test('takes no part for the whole that the server announced too short', async () => {
  const options = serve({ answers: [{ length: HALF }] });
  await expect(download(options)).rejects.toThrow(/does not have the sha256/);
  expect(existsSync(options.path)).toBe(false);
});

test.each([
  ['too long', BODY.length + 10],
  ['far too long', BODY.length * 2],
])('takes no file for complete whose length was announced as %s', async (_, length) => {
  // The server never sends the announced bytes: it closes the connection at each request.
  const options = serve({ answers: [{ length, cutAfter: BODY.length }, { status: 416 }] });
  await expect(download({ ...options, sha256: undefined, attempts: 3 })).rejects.toThrow(/gave up after 3 tries/);
});

test('takes a file without a length as it comes, and not half of it', async () => {
  const whole = serve({ answers: [{ length: null, cutAfter: HALF }, { length: null }] });
  await download({ ...whole, sha256: undefined });
  expect(readFileSync(whole.path).equals(BODY)).toBe(true);
});

test.each([404, 403, 410])('gives up at once on %i', async (status) => {
  const options = serve({ answers: [{ status }] });
  await expect(download(options)).rejects.toMatchObject({
    message: expect.stringContaining(`the server answered ${status}`),
    transient: false,
    unreachable: status === 403,
  });
  expect(server.requests).toHaveLength(1);
});

test('tries a failing server several times, waiting as long as it asks', async () => {
  const headers = { 'retry-after': '0.2' };
  const options = serve({ answers: [{ status: 500 }, { status: 429, headers }, {}] });
  vi.mocked(delay).mockClear();
  await download(options);
  expect(vi.mocked(delay).mock.calls.map(([milliseconds]) => milliseconds)).toEqual([1, 200]);

  const failing = { ...serve({ answers: [{ status: 500 }] }), path: join(folder, 'other.whl'), attempts: 3 };
  await expect(download(failing)).rejects.toThrow(/w\.whl: the server answered 500.*gave up after 3 tries/);
  expect(server.requests).toHaveLength(6);
});

test('gives up a connection on which nothing comes', async () => {
  const options = serve({ answers: [{ hangAfter: HALF }, {}] });
  await download({ ...options, idleMs: 1500 });
  expect(ranges()).toEqual([undefined, `bytes=${HALF}-`]);
  expect(readFileSync(options.path).equals(BODY)).toBe(true);
});

test('says that nobody answers, and that pip might reach it', async () => {
  const options = serve();
  await server.close();
  await expect(download({ ...options, attempts: 2 })).rejects.toMatchObject({
    message: expect.stringMatching(/no connection \(ECONNREFUSED.*gave up after 2 tries/),
    unreachable: true,
  });
  server = await startFileServer({});
});

test('sends the login of an address, and never shows it', async () => {
  const options = serve({ answers: [{ status: 404 }] });
  options.url.username = 'me';
  options.url.password = 's%20cret';
  const error = await download(options).catch((reason: Error) => reason);
  expect(server.requests[0]?.authorization).toBe(`Basic ${Buffer.from('me:s cret').toString('base64')}`);
  expect(String(error)).not.toContain('cret');
});

test('stops when it is told to, and keeps what arrived', async () => {
  const options = serve({ answers: [{ hangAfter: HALF }] });
  const controller = new AbortController();
  const work = download({
    ...options,
    signal: controller.signal,
    onProgress: (received) => received >= HALF && controller.abort(),
  });
  await expect(work).rejects.toSatisfy(CancelledError.isInstance);
  expect(readFileSync(options.path).equals(BODY.subarray(0, HALF))).toBe(true);
});
