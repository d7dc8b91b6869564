import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LLAMA, makeGguf } from '../../test/gguf.ts';
import { makeFile, makeModel, noise } from '../../test/model.ts';
import { resolveCustomModel } from '../custom-model/custom-model.ts';
import { fetchArtifact } from './fetch-artifact.ts';

// Real file systems: a cache in a tmpfs that is too small, and one that is mounted read-only.
const isRoot = process.getuid?.() === 0;
const WEIGHTS = noise(300_000);

let folder: string;
let cacheDir: string;
beforeEach((context) => {
  context.skip(!isRoot, 'mounts: a file system can be mounted by root only');
  folder = mkdtempSync(join(tmpdir(), 'xim-mount-'));
  cacheDir = join(folder, 'cache');
  mkdirSync(cacheDir);
  writeFileSync(join(folder, 'w'), WEIGHTS);
});
afterEach(() => {
  if (folder === undefined) return;
  execFileSync('umount', [cacheDir]);
  rmSync(folder, { recursive: true });
});

const mount = (size: string): void =>
  void execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'xim', cacheDir]);
const fetchOwn = (): Promise<string> => {
  const model = makeModel([makeFile('model.onnx', WEIGHTS, `file:${folder}/w`)]);
  return fetchArtifact({ model, artifact: 'main', cacheDir, python: '/none', offline: true });
};

test('a disk that is too small is named, and nothing stays on it', async () => {
  mount('128k');
  await expect(fetchOwn()).rejects.toThrow(/space|room|full/);
  const left = readdirSync(cacheDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(left.filter(({ name }) => name !== 'xim.lock').map(({ name }) => name)).toEqual([]);
});

test('a cache that is mounted read-only serves the models in it, and a model of the user', async () => {
  mount('4m');
  const snapshot = await fetchOwn();
  execFileSync('mount', ['-o', 'remount,ro', cacheDir]);
  rmSync(join(folder, 'w'));
  expect(readFileSync(join(await fetchOwn(), 'model.onnx')).equals(WEIGHTS)).toBe(true);
  expect(await fetchOwn()).toBe(snapshot);

  const gguf = Buffer.concat([makeGguf(LLAMA), noise(1000)]);
  writeFileSync(join(folder, 'mine.gguf'), gguf);
  const shipped = makeModel([makeFile('own.gguf', noise(10), 'hf:org/own')], { task: 'generate' });
  const model = await resolveCustomModel({
    ...{ text: join(folder, 'mine.gguf'), shipped, cacheDir, offline: true },
    engines: [{ name: 'oneapi', formats: ['gguf'] }],
    hub: { endpoint: 'http://127.0.0.1:1', token: undefined },
  });
  const served = await fetchArtifact({ model, artifact: 'own', cacheDir, python: '/none', offline: true });
  expect(readFileSync(join(served, 'mine.gguf')).equals(gguf)).toBe(true);
});
