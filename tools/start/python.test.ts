import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findPython } from './python.mjs';

let bin: string;
beforeEach(() => void (bin = mkdtempSync(join(tmpdir(), 'xim-python-'))));
afterEach(() => rmSync(bin, { recursive: true }));

/** A program that answers the probe as a Python of this version would. */
function fakePython(name: string, version: number[], hasVenv = true): string {
  return script(name, `echo '${JSON.stringify({ version, hasVenv })}'`);
}

function script(name: string, body: string): string {
  const file = join(bin, name);
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}

const find = (env: Record<string, string> = {}) => findPython({ PATH: bin, ...env });

it('none: the sentence says what to install, and how', () => {
  expect(() => find()).toThrow(
    /^No Python was found\. Install Python 3\.10 or newer .* \(Debian, Ubuntu: apt-get install python3 python3-venv\)\. XIM_PYTHON=/,
  );
});

it('none with the venv module: the sentence names the Python that was found', () => {
  const path = fakePython('python3', [3, 11, 2], false);
  expect(() => find()).toThrow(
    `Python 3.11.2 (${path}) has no venv module. Install it and start again (Debian, Ubuntu: apt-get install python3 python3-venv).`,
  );
});

it('only an old one: the sentence names it', () => {
  const path = fakePython('python3', [3, 9, 18]);
  expect(() => find()).toThrow(`Python 3.9.18 (${path}) is too old. Install Python 3.10 or newer`);
});

it('takes the first that will do: not an old one, not a shim of a version manager, not one without venv', () => {
  fakePython('python3', [3, 8, 10]);
  script('python3.13', 'echo "python3.13: command not found" >&2; exit 127');
  fakePython('python3.12', [3, 12, 1], false);
  const path = fakePython('python3.11', [3, 11, 9]);
  fakePython('python3.10', [3, 10, 1]);
  expect(find()).toEqual({ path, version: '3.11.9' });
});

it('prefers the plain name, which the user has chosen', () => {
  const path = fakePython('python3', [3, 10, 4]);
  fakePython('python3.13', [3, 13, 0]);
  expect(find()).toEqual({ path, version: '3.10.4' });
});

it('XIM_PYTHON names one by path or by name, and then no other is taken', () => {
  fakePython('python3', [3, 11, 2]);
  const path = fakePython('mine', [3, 12, 0]);
  expect(find({ XIM_PYTHON: path }).version).toBe('3.12.0');
  expect(find({ XIM_PYTHON: 'mine' }).path).toBe(path);
  expect(() => find({ XIM_PYTHON: 'nowhere' })).toThrow('XIM_PYTHON names "nowhere", which is no Python that runs.');
});

it('the probe itself works on a real Python', () => {
  expect(findPython(process.env).version).toMatch(/^3\.1\d\.\d+/);
});
