import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { addToLockFile } from './npm-lock.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'xim-npm-lock-'));
  writeFileSync(join(root, 'package.json'), JSON.stringify({ name: 'root', private: true, workspaces: ['apps/*'] }));
  mkdirSync(join(root, 'apps/new'), { recursive: true });
  writeFileSync(join(root, 'apps/new/package.json'), JSON.stringify({ name: '@xim/new', version: '1.0.0' }));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

it('enters the folder, in the environment of any npm command', () => {
  for (const [name, value] of Object.entries({
    package_lock: 'false',
    dry_run: 'true',
    global: 'true',
    color: 'always',
  }))
    vi.stubEnv(`npm_config_${name}`, value);
  vi.stubEnv('FORCE_COLOR', '1');
  addToLockFile(root);
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: object };
  expect(packages).toMatchObject({ 'node_modules/@xim/new': { resolved: 'apps/new', link: true } });
});
