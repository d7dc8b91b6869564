import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ServiceStartError } from '../errors/errors.ts';
import { makeUploadFolder, prepareTmpFolder } from './tmp-folder.ts';

let tmp: string;
beforeEach(() => {
  tmp = mkdtempSync(join(tmpdir(), 'xim-tmp-'));
});
afterEach(() => rmSync(tmp, { recursive: true }));

/** The name that a process would use which had this one's id before it. */
async function nameOfTheDead(): Promise<string> {
  const living = await makeUploadFolder(tmp);
  rmSync(living, { recursive: true });
  const [, rest] = /^(.*)-\d+-\w{6}$/.exec(basename(living))!;
  return `${rest}-1-AbCd12`;
}

it('memory is no place for uploads', () => {
  expect(prepareTmpFolder('/dev/shm')).toMatch(/XIM_TMP="\/dev\/shm" is memory.*a folder on a disk/);
});

it('a folder that cannot be written to is a reason not to start', () => {
  expect(() => prepareTmpFolder('/nowhere')).toThrow(ServiceStartError);
  expect(() => prepareTmpFolder('/nowhere')).toThrow(/XIM_TMP="\/nowhere" cannot hold uploads \(ENOENT\)/);
  expect(() => prepareTmpFolder('/proc')).toThrow(/XIM_TMP="\/proc" cannot hold uploads/);
});

it('a folder of one request is for this user only', async () => {
  const folder = await makeUploadFolder(tmp);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
});

it('a start deletes what a dead process left, and nothing else', async () => {
  const dead = await nameOfTheDead();
  mkdirSync(join(tmp, dead));
  writeFileSync(join(tmp, dead, '0'), 'left');
  const living = basename(await makeUploadFolder(tmp));
  const kept = [
    living,
    dead.replace(/^xim-upload-/, 'xim-upload-elsewhere.'),
    dead.replace('AbCd12', 'AbCd123'),
    'xim-upload-of-somebody',
  ];
  for (const name of kept.slice(1)) mkdirSync(join(tmp, name));
  const file = dead.replace('AbCd12', 'AbCd13');
  writeFileSync(join(tmp, file), 'no folder');
  const link = dead.replace('AbCd12', 'AbCd14');
  const target = join(tmp, 'target');
  mkdirSync(target);
  symlinkSync(target, join(tmp, link));

  prepareTmpFolder(tmp);
  expect(readdirSync(tmp).sort()).toEqual([...kept, file, link, 'target'].sort());
  expect(existsSync(target)).toBe(true);
});
