import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { nodePackagesCurrent } from './node-packages.mjs';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'xim-packages-'));
  lock({ 'node_modules/tsx': { version: '4.23.15', integrity: 'sha512-a' } });
});
afterEach(() => rmSync(root, { recursive: true }));

type Packages = Record<string, { version?: string; integrity?: string; optional?: boolean; link?: boolean }>;

function lock(packages: Packages): void {
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: { '': {}, ...packages } }));
}

/** The file that npm writes last in an installation. */
function installed(packages: Packages): void {
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages }));
}

const stampFile = () => join(root, 'node_modules/.xim-setup.json');

it('nothing installed, or an installation that was killed: not current', () => {
  expect(nodePackagesCurrent(root)).toBe(false);
  mkdirSync(join(root, 'node_modules'));
  expect(nodePackagesCurrent(root)).toBe(false);
});

it('installed by npm itself: current, also for what is optional or linked, and noted', () => {
  lock({
    'node_modules/tsx': { version: '4.23.15', integrity: 'sha512-a' },
    'node_modules/@xim/engine': { link: true },
    'node_modules/fsevents': { version: '2.3.3', optional: true },
  });
  installed({
    'node_modules/tsx': { version: '4.23.15', integrity: 'sha512-a' },
    'node_modules/@xim/engine': { link: true },
  });
  expect(nodePackagesCurrent(root)).toBe(true);
  expect(JSON.parse(readFileSync(stampFile(), 'utf8'))).toMatchObject({ platform: 'linux-x64' });
});

it.each([
  ['another version', { version: '4.23.16', integrity: 'sha512-b' }],
  ['another content', { version: '4.23.15', integrity: 'sha512-b' }],
])('%s in the lock file after an installation: not current', (_, entry) => {
  installed({ 'node_modules/tsx': { version: '4.23.15', integrity: 'sha512-a' } });
  expect(nodePackagesCurrent(root)).toBe(true);
  lock({ 'node_modules/tsx': entry });
  expect(nodePackagesCurrent(root)).toBe(false);
});

it('a new package in the lock file: not current', () => {
  installed({ 'node_modules/tsx': { version: '4.23.15', integrity: 'sha512-a' } });
  lock({ 'node_modules/tsx': { version: '4.23.15', integrity: 'sha512-a' }, 'node_modules/zod': { version: '4.0.0' } });
  expect(nodePackagesCurrent(root)).toBe(false);
});

it('another Node or platform than at the installation: not current', () => {
  installed({ 'node_modules/tsx': { version: '4.23.15', integrity: 'sha512-a' } });
  expect(nodePackagesCurrent(root)).toBe(true);
  const stamp = JSON.parse(readFileSync(stampFile(), 'utf8'));
  for (const change of [{ node: '18' }, { platform: 'linux-arm64' }]) {
    writeFileSync(stampFile(), JSON.stringify({ ...stamp, ...change }));
    expect(nodePackagesCurrent(root)).toBe(false);
  }
});
