import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fetchArtifact } from '@xim/model-cache';
import { makeFile, makeModel, noise, sha256 } from '../../../model-cache/test/model.ts';
import { pack, unpack } from './archive.ts';
import { readTar, toTarEnd, toTarHeader, toTarPadding } from './tar.ts';

/** Whether the file system takes links; without them it answers as exFAT and SMB do. */
const links = vi.hoisted(() => ({ taken: true }));

vi.mock('node:fs/promises', async (load) => {
  const real = await load<typeof fs>();
  const unlessBroken = (name: 'symlink' | 'link', code: string) => {
    const original = real[name] as (...args: unknown[]) => Promise<void>;
    return (...args: unknown[]) =>
      links.taken
        ? original(...args)
        : Promise.reject(Object.assign(new Error(`${code}: ${name}`), { code, syscall: name }));
  };
  return { ...real, symlink: unlessBroken('symlink', 'EPERM'), link: unlessBroken('link', 'EOPNOTSUPP') };
});

const WEIGHTS = noise(300_001);
const CONFIG = Buffer.from('{}');
const COMMIT = 'c'.repeat(40);
const BLOB = `models--org--tiny/blobs/${sha256(CONFIG)}`;

let folder: string;
let from: string;
let to: string;
let tar: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xim-archive-'));
  [from, to, tar] = [join(folder, 'from'), join(folder, 'to'), join(folder, 'models.tar')];
  writeFileSync(join(folder, 'w'), WEIGHTS);
  writeFileSync(join(folder, 'c'), CONFIG);
});
afterEach(() => {
  links.taken = true;
  rmSync(folder, { recursive: true });
});

const model = () =>
  makeModel(
    [makeFile('deep/model.onnx', WEIGHTS, `file:${folder}/w`), makeFile('config.json', CONFIG, `file:${folder}/c`)],
    { revision: COMMIT },
  );
const fetchInto = (cacheDir: string, offline = false): Promise<string> =>
  fetchArtifact({ model: model(), artifact: 'main', cacheDir, python: '/none', offline });

const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing was refused',
    (error: Error) => error.message,
  );

test('what was packed is complete in an empty cache, offline, without its sources', async () => {
  await fetchInto(from);
  await pack(tar, from, [{ model: model(), artifact: 'main' }]);
  rmSync(join(folder, 'w'));
  const [snapshot] = await unpack(tar, to);
  expect(snapshot).toBe(join(to, 'models--org--tiny/snapshots', COMMIT));
  expect(await fetchInto(to, true)).toBe(snapshot);
  expect(readFileSync(join(snapshot!, 'deep/model.onnx')).equals(WEIGHTS)).toBe(true);
  expect(readlinkSync(join(snapshot!, 'deep/model.onnx'))).toBe(`../../../blobs/${sha256(WEIGHTS)}`);
  // The lock names a commit, so the commit of the branch main is not resolved.
  expect(existsSync(join(to, 'models--org--tiny/refs'))).toBe(false);
  expect(readdirSync(to).sort()).toEqual(['.locks', 'models--org--tiny']);
});

test('without links an archive is unpacked to plain files, each content once', async () => {
  await fetchInto(from);
  await pack(tar, from, [{ model: model(), artifact: 'main' }]);
  links.taken = false;
  const [snapshot] = await unpack(tar, to);
  for (const path of ['deep/model.onnx', 'config.json']) expect(lstatSync(join(snapshot!, path)).isFile()).toBe(true);
  expect(readFileSync(join(snapshot!, 'deep/model.onnx')).equals(WEIGHTS)).toBe(true);
  expect(readdirSync(join(snapshot!, '../../blobs'))).toEqual([]);
  // The sources are gone, and a second import changes nothing.
  rmSync(join(folder, 'w'));
  expect(await fetchInto(to, true)).toBe(snapshot);
  expect(await unpack(tar, to)).toEqual([snapshot]);
  expect(await fetchInto(to, true)).toBe(snapshot);
});

test('tar itself reads it, and what it unpacks is a cache that is checked at its first use', async () => {
  await fetchInto(from);
  await pack(tar, from, [{ model: model(), artifact: 'main' }]);
  mkdirSync(to);
  execFileSync('tar', ['-xf', tar, '-C', to]);
  expect(readFileSync(join(await fetchInto(to, true), 'config.json')).equals(CONFIG)).toBe(true);

  // Its source on this machine would be taken again, offline too.
  rmSync(join(folder, 'c'));
  writeFileSync(join(to, BLOB), '[]');
  expect(await refusal(fetchInto(to, true))).toContain('config.json of org/tiny is not in the model cache');
});

test('reads what tar writes', async () => {
  await fetchInto(from);
  execFileSync('tar', [
    '--format=ustar',
    '-cf',
    tar,
    '-C',
    from,
    'models--org--tiny/blobs',
    'models--org--tiny/snapshots',
  ]);
  expect(await unpack(tar, to)).toHaveLength(1);
  expect(await fetchInto(to, true)).toContain(COMMIT);
});

test('packs nothing that is not whole', async () => {
  const message = await refusal(pack(tar, from, [{ model: model(), artifact: 'main' }]));
  expect(message).toContain('main of org/tiny is not whole in the model cache');
  expect(existsSync(tar)).toBe(false);
  expect(readdirSync(folder).filter((name) => name.includes('new'))).toEqual([]);
});

interface Member {
  readonly name: string;
  readonly kind?: 'file' | 'link';
  readonly content?: Buffer;
  readonly target?: string;
}

function writeTar(members: readonly Member[], end: Buffer = toTarEnd()): void {
  const parts = members.flatMap(({ name, kind = 'file', content = Buffer.alloc(0), target = '' }) => [
    toTarHeader({ name, kind, size: content.length, target }, 0),
    content,
    toTarPadding(content.length),
  ]);
  writeFileSync(tar, Buffer.concat([...parts, end]));
}

const good: Member = { name: BLOB, content: CONFIG };
const link = (target: string, name = `models--org--tiny/snapshots/${COMMIT}/config.json`): Member => ({
  name,
  kind: 'link',
  target,
});

test.each<[string, Member[], RegExp]>([
  [
    'an absolute path',
    [{ name: '/etc/passwd', content: CONFIG }],
    /"\/etc\/passwd", which is no part of a model cache/,
  ],
  [
    'a path upwards',
    [{ name: `models--org--tiny/blobs/../../../${'a'.repeat(64)}`, content: CONFIG }],
    /a path with an empty/,
  ],
  ['another file', [{ name: 'models--org--tiny/run.sh', content: CONFIG }], /no part of a model cache/],
  [
    'a file among links',
    [{ name: `models--org--tiny/snapshots/${COMMIT}/x.py`, content: CONFIG }],
    /no part of a model/,
  ],
  ['a link out of the cache', [link('/etc/passwd')], /a link to "\/etc\/passwd"/],
  ['a link upwards', [link(`../../../../${sha256(CONFIG)}`)], /a link to "\.\.\/\.\.\/\.\.\/\.\.\//],
  ['a link to nothing', [link(`../../blobs/${'a'.repeat(64)}`)], /holds a link to a{64}, but not that content/],
  ['a link for a content', [{ ...link('../../../secret'), name: BLOB }], /no part of a model cache/],
  ['a branch that is none', [{ name: 'models--org--tiny/refs/main', content: Buffer.from('x') }], /no branch/],
  ['a content that is another', [{ name: BLOB, content: Buffer.from('[]') }], /has sha256 .*; the lock file says/],
  [
    'a pickle',
    [
      {
        name: `models--org--tiny/blobs/${sha256(Buffer.from('\u0080\u0002x', 'latin1'))}`,
        content: Buffer.from('\u0080\u0002x', 'latin1'),
      },
    ],
    /is a pickle/,
  ],
])('refuses an archive with %s, and leaves the cache as it was', async (_, members, expected) => {
  writeTar([{ name: `models--org--tiny/blobs/${sha256(WEIGHTS)}`, content: WEIGHTS }, ...members]);
  expect(await refusal(unpack(tar, to))).toMatch(expected);
  const left = existsSync(to) ? readdirSync(to, { recursive: true, withFileTypes: true }) : [];
  expect(left.filter((entry) => !entry.isDirectory() && !entry.parentPath.includes('.xim'))).toEqual([]);
});

test.each([
  ['cut within a content', (bytes: Buffer) => bytes.subarray(0, 700), /it ends within models--org--tiny\/blobs/],
  ['without an end', (bytes: Buffer) => bytes.subarray(0, 1024), /it has no end/],
  ['with a changed header', (bytes: Buffer) => bytes.fill('x', 20, 21), /a header has a wrong checksum/],
  ['that is none', () => Buffer.alloc(2000, 'x'), /a header has a wrong checksum/],
])('refuses an archive %s', async (_, damage, expected) => {
  writeTar([{ ...good, content: Buffer.alloc(300, 'x') }]);
  writeFileSync(tar, damage(readFileSync(tar)));
  expect(await refusal(unpack(tar, to))).toMatch(expected);
});

test('says that there is no archive', async () => {
  expect(await refusal(unpack(join(folder, 'none.tar'), to))).toMatch(/there is no file .*none\.tar/);
});

test('carries sizes beyond eleven octal digits and paths beyond a hundred bytes', async () => {
  const name = `${'d'.repeat(90)}/${'f'.repeat(90)}`;
  const header = toTarHeader({ name, kind: 'file', size: 2 ** 40 + 5, target: '' }, 1);
  expect(header.readBigUInt64BE(128)).toBe(BigInt(2 ** 40 + 5));
  writeTar([{ name, content: CONFIG }]);
  expect(await readTar(tar)).toEqual([{ name, kind: 'file', size: 2, target: '', offset: 512 }]);
});
