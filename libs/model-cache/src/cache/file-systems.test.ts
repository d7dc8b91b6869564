import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LLAMA, makeGguf } from '../../test/gguf.ts';
import { makeFile, makeModel, noise } from '../../test/model.ts';
import { fetchArtifact } from './fetch-artifact.ts';
import { resolveCustomModel } from '../custom-model/custom-model.ts';

/** Functions of the file system that fail with an error of this code while they are set. */
const broken = vi.hoisted(() => new Map<string, string>());

vi.mock('node:fs/promises', async (load) => {
  const BREAKABLE = ['symlink', 'link', 'mkdir', 'writeFile', 'open'] as const;
  const real = await load<typeof fs>();
  const breakable = (name: (typeof BREAKABLE)[number]) => {
    const original = real[name] as (...args: unknown[]) => Promise<unknown>;
    return (...args: unknown[]) => {
      const code = broken.get(name);
      if (code === undefined) return original(...args);
      return Promise.reject(Object.assign(new Error(`${code}: ${name}`), { code, syscall: name }));
    };
  };
  return Object.assign({ ...real }, Object.fromEntries(BREAKABLE.map((name) => [name, breakable(name)])));
});

const WEIGHTS = noise(50_000);
const CONFIG = Buffer.from('{}');
const NO_LINKS: [string, string][] = [
  ['symlink', 'EPERM'],
  ['link', 'EOPNOTSUPP'],
];

let folder: string;
let cacheDir: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xim-fs-'));
  cacheDir = join(folder, 'cache');
  writeFileSync(join(folder, 'w'), WEIGHTS);
  writeFileSync(join(folder, 'c'), CONFIG);
});
afterEach(() => {
  broken.clear();
  rmSync(folder, { recursive: true });
});

const breakFiles = (...faults: [string, string][]): void => faults.forEach(([name, code]) => broken.set(name, code));

/** Two paths have the same content. */
const model = () =>
  makeModel([
    makeFile('deep/a.onnx', WEIGHTS, `file:${folder}/w`),
    makeFile('b.onnx', WEIGHTS, `file:${folder}/w`),
    makeFile('config.json', CONFIG, `file:${folder}/c`),
  ]);
const run = (more = {}): Promise<string> =>
  fetchArtifact({ model: model(), artifact: 'main', cacheDir, python: '/none', ...more });
const assertWhole = (snapshot: string): void => {
  for (const path of ['deep/a.onnx', 'b.onnx']) expect(readFileSync(join(snapshot, path)).equals(WEIGHTS)).toBe(true);
  expect(readFileSync(join(snapshot, 'config.json')).equals(CONFIG)).toBe(true);
};

test('without links the snapshot holds plain files, and contents are not kept twice', async () => {
  breakFiles(...NO_LINKS);
  const snapshot = await run();
  assertWhole(snapshot);
  expect(lstatSync(join(snapshot, 'b.onnx')).isFile()).toBe(true);
  expect(readdirSync(join(snapshot, '../../blobs'))).toEqual([]);
  expect(existsSync(join(cacheDir, '.partial'))).toBe(false);
  expect(existsSync(join(cacheDir, '.locks/models--org--tiny/xim.lock'))).toBe(false);
  // The sources are gone: a later start needs neither them nor a link.
  rmSync(join(folder, 'w'));
  expect(await run({ offline: true })).toBe(snapshot);
});

test('without links one missing path is made from the other of the same content', async () => {
  breakFiles(...NO_LINKS);
  const snapshot = await run();
  rmSync(join(snapshot, 'deep'), { recursive: true });
  rmSync(join(folder, 'w'));
  assertWhole(await run({ offline: true }));
});

test('a folder that takes no file is found out before anything is transferred', async () => {
  breakFiles(['writeFile', 'EROFS']);
  // The lock is the first file.
  await expect(run()).rejects.toThrow(`The model cache ${cacheDir} cannot be used: EROFS`);
  expect(existsSync(join(cacheDir, 'models--org--tiny'))).toBe(false);
});

const SHIPPED = {
  ...makeModel([makeFile('own.gguf', noise(10), 'hf:org/own')], { task: 'generate' }),
  profiles: [{ engine: 'oneapi', artifact: 'main', isa: [] }],
};
const own = (text: string) =>
  resolveCustomModel({
    text,
    shipped: SHIPPED,
    engines: [{ name: 'oneapi', formats: ['gguf'] }],
    cacheDir,
    hub: { endpoint: 'http://127.0.0.1:9', token: undefined },
    offline: true,
  });

test.each([
  [
    'a read-only cache',
    [
      ['mkdir', 'EROFS'],
      ['writeFile', 'EROFS'],
      ['symlink', 'EROFS'],
    ],
  ],
  [
    'a full cache',
    [
      ['mkdir', 'ENOSPC'],
      ['writeFile', 'ENOSPC'],
      ['symlink', 'ENOSPC'],
    ],
  ],
  ['a cache without links', NO_LINKS],
] as [string, [string, string][]][])('with %s a model of this machine is served where it lies', async (_, faults) => {
  const gguf = join(folder, 'mine.Q4_0.gguf');
  writeFileSync(gguf, Buffer.concat([makeGguf(LLAMA), noise(1000)]));
  breakFiles(...faults);
  const entry = await own(gguf);
  const options = { model: entry, artifact: 'own', cacheDir, python: '/none', offline: true };
  expect(await fetchArtifact(options)).toBe(folder);
  // The file is not served any more when it is another.
  writeFileSync(gguf, Buffer.concat([makeGguf(LLAMA), noise(1000, 7)]));
  await expect(fetchArtifact(options)).rejects.toThrow();
});

test('a file that lies somewhere for a while only, as one of a conversion, is put into the cache', async () => {
  const made = join(folder, 'made.gguf');
  writeFileSync(made, WEIGHTS);
  const model = makeModel([makeFile('made.gguf', WEIGHTS, `file:${made}`, 'convert:int8:local/input')], {
    id: 'local/input',
  });
  const options = { model, artifact: 'main', cacheDir, python: '/none' };
  const place = await fetchArtifact(options);
  rmSync(made);
  expect(place.startsWith(cacheDir)).toBe(true);
  expect(await fetchArtifact({ ...options, offline: true })).toBe(place);
  expect(readFileSync(join(place, 'made.gguf'))).toEqual(WEIGHTS);
});

test('a model of this machine that may not be read is named, with the reason', async () => {
  const gguf = join(folder, 'mine.gguf');
  writeFileSync(gguf, 'x');
  breakFiles(['open', 'EACCES']);
  await expect(own(gguf)).rejects.toMatchObject({
    code: 'XIM_MODEL_FETCH',
    message: `XIM_MODEL=${gguf} cannot be read: EACCES: open`,
  });
});
