import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeZip } from '../../test/zip.ts';
import { downloadWheel, findWheel } from './pip.ts';

const PATIENCE_MS = 120_000;

let folder: string;
let wheel: string;
let sha256: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xim-pip-'));
  const members = {
    'toy.py': '',
    'toy-1.0.dist-info/METADATA': 'Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n',
    'toy-1.0.dist-info/WHEEL': 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    'toy-1.0.dist-info/RECORD': '',
  };
  const bytes = makeZip(Object.entries(members).map(([path, text]) => ({ path, content: Buffer.from(text) })));
  wheel = join(folder, 'toy-1.0-py3-none-any.whl');
  writeFileSync(wheel, bytes);
  sha256 = createHash('sha256').update(bytes).digest('hex');
  vi.stubEnv('PIP_CONFIG_FILE', '/dev/null');
  vi.stubEnv('PIP_NO_INDEX', '1');
  vi.stubEnv('PIP_FIND_LINKS', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

describe('pip tells where a wheel is and transfers it', { timeout: PATIENCE_MS }, () => {
  it.each<[string, Record<string, string>]>([
    ['with the user’s index', {}],
    ['where colour is forced, as CI systems and nx do', { FORCE_COLOR: '1', CLICOLOR_FORCE: '1', TTY_COMPATIBLE: '1' }],
    ['in another language', { LC_ALL: 'de_DE.ISO-8859-1', LANG: 'tr_TR.UTF-8', LANGUAGE: 'ja' }],
    [
      'whatever else pip is told',
      { PIP_QUIET: '3', PIP_REPORT: 'elsewhere.json', PIP_USER: '1', PIP_NO_BINARY: ':all:' },
    ],
    ['whatever Python is told', { PYTHONIOENCODING: 'utf-16', PYTHONHOME: '/nowhere', PYTHONPATH: '/nowhere' }],
  ])('%s', async (_, env) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    expect(await findWheel('python3', 'toy==1.0', undefined)).toEqual({ url: pathToFileURL(wheel).href, sha256 });
    expect(basename(await downloadWheel('python3', 'toy==1.0', folder, undefined))).toBe(basename(wheel));
  });

  it('not where the user’s index does not have it', async () => {
    await expect(findWheel('python3', 'toy==2.0', undefined)).rejects.toThrow(/^pip failed: .*toy==2\.0/);
  });
});
