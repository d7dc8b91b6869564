import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mypyCommand, pytestCommand, pythonFolders } from './python.mjs';

const root = mkdtempSync(join(tmpdir(), 'xim-python-'));
const put = (path: string, text = '') => {
  mkdirSync(join(root, dirname(path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
beforeAll(() => {
  put('libs/worker/python/xim_worker/__init__.py');
  put('libs/engine-a/python/xim_engine_a/__init__.py');
  put('libs/engine-a/python/tests/test_a.py');
  put('libs/engine-b/python/requirements.lock');
  put('libs/server/package.json');
  put('apps/voice/handler.py');
  put('apps/voice/package.json', '{ "dependencies": { "@xim/engine-a": "1", "@xim/server": "1" } }');
  put('apps/chat/package.json', '{}');
  put('apps/song/handler.py');
  put('apps/song/requirements.lock');
  put('apps/song/package.json', '{ "dependencies": { "@xim/engine-a": "1" } }');
  put('.venv/song@a/lib/python3.11/site-packages/wheel.py');
  put('.venv/a/lib/python3.11/site-packages/wheel.py');
});
afterAll(() => rmSync(root, { recursive: true }));

const folder = (name: string) => pythonFolders(root).find((one) => one.name === name)!;
const venvs = join(root, '.venv');

it('finds the folders with Python in them, and those with tests', () => {
  const found = pythonFolders(root).map(({ path, tested }) => [path, tested]);
  expect(found).toEqual([
    ['libs/engine-a/python', true],
    ['libs/worker/python', false],
    ['apps/song', false],
    ['apps/voice', false],
  ]);
});

it('lets an engine import the worker, and an app the engines', () => {
  expect(mypyCommand(root, folder('engine-a')).env).toEqual({ MYPYPATH: join(root, 'libs/worker/python') });
  const all = ['libs/engine-a/python', 'libs/worker/python'].map((path) => join(root, path));
  expect(mypyCommand(root, folder('voice')).env).toEqual({ MYPYPATH: all.join(':') });
});

it.each([
  ['engine-a', ['libs/engine-a/python', 'libs/worker/python', '.venv/a/lib/python3.11/site-packages']],
  ['worker', ['libs/worker/python']],
  ['voice', ['apps/voice', 'libs/engine-a/python', 'libs/worker/python', '.venv/a/lib/python3.11/site-packages']],
  ['song', ['apps/song', 'libs/engine-a/python', 'libs/worker/python', '.venv/song@a/lib/python3.11/site-packages']],
])('tests %s with %j on the path', (name, paths) => {
  const { cwd, env } = pytestCommand(root, folder(name), { venvs });
  expect(cwd).toBe(join(root, paths[0]!));
  expect(env).toEqual({ PYTHONPATH: paths.map((path) => join(root, path)).join(':') });
});
