import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(__dirname, '../../..');
/** The output of Nx is parsed. */
const PLAIN = { FORCE_COLOR: undefined, NO_COLOR: '1', LC_ALL: 'C.UTF-8' };
const APPS = readdirSync(join(ROOT, 'apps')).filter((app) => existsSync(join(ROOT, 'apps', app, 'package.json')));

function nx(...args: string[]): string {
  const env = {
    ...process.env,
    NX_NO_CLOUD: 'true',
    NX_DAEMON: 'false',
    NX_ISOLATE_PLUGINS: 'false',
    NX_TUI: 'false',
    ...PLAIN,
  };
  return execFileSync('node_modules/.bin/nx', args, { cwd: ROOT, env, encoding: 'utf8', stdio: 'pipe' });
}

/** The projects that a change of files affects, in the graph of this repository. */
const affectedBy = (...files: string[]) =>
  (JSON.parse(nx('show', 'projects', '--affected', `--files=${files.join()}`, '--json')) as string[]).sort();

/** Folders of `tools/`. Some of them run services, and their number grows. */
const TOOLS = readdirSync(join(ROOT, 'tools'));

/** Services whose package.json names a package. */
const appsOn = (name: string) =>
  APPS.filter((app) => name in JSON.parse(readFileSync(join(ROOT, 'apps', app, 'package.json'), 'utf8')).dependencies);

describe('a change of', { timeout: 180_000 }, () => {
  it('the server affects the services and the tools that run services, and nothing else', () => {
    const affected = affectedBy('libs/server/src/serve.ts');
    expect(affected).toContain('bench');
    expect(affected.filter((name) => !TOOLS.includes(name))).toEqual(['@xim/server', ...APPS].sort());
  });

  it('an engine, its Python and its wheels affects the services on it', () => {
    for (const file of ['src/oneapi-options.ts', 'python/xim_engine_oneapi/embed.py', 'python/requirements.lock']) {
      const affected = affectedBy(`libs/engine-oneapi/${file}`);
      expect(affected).toEqual(expect.arrayContaining(['@xim/engine-oneapi', ...appsOn('@xim/engine-oneapi')]));
      expect(affected).not.toContain('@xim/server');
    }
  });

  it('one service affects it alone', () => {
    expect(affectedBy('apps/chat/src/app.ts', 'apps/chat/models.json')).toEqual(['chat']);
  });

  it('words affects nothing', () => {
    expect(affectedBy('README.md', 'ARCHITECTURE.md', 'apps/chat/README.md', 'libs/server/README.md')).toEqual([]);
    expect(nx('affected', '--target=test', '--files=README.md')).toContain('No tasks were run');
  });

  it('a template of the generators affects their package alone, what infers targets affects all', () => {
    expect(affectedBy('tools/nx-xim/src/generators/app/files/service/README.md__tmpl__')).toEqual(['nx-xim']);
    expect(affectedBy('tools/nx-xim/src/targets.ts')).toEqual(expect.arrayContaining(['@xim/engine', ...APPS]));
  });

  it.each([
    ['tools/images/image.ts', ['images', 'chat', 'xim-oneapi'], ['@xim/server', '@xim/engine']],
    ['xim/licences.json', ['chat', 'xim-oneapi'], ['@xim/server']],
    ['tools/vitest/leaks.ts', ['vitest', 'chat', '@xim/server', '@xim/engine'], ['xim-oneapi']],
    ['vitest.base.ts', ['vitest', 'chat', '@xim/server', '@xim/engine'], ['xim-oneapi']],
    ['pyproject.toml', ['@xim/worker', '@xim/engine-oneapi'], ['@xim/openai-schema', 'xim-oneapi']],
    ['tools/release.mjs', ['images'], ['chat', '@xim/server']],
    ['tools/check/python.mjs', ['check', '@xim/worker'], ['@xim/openai-schema']],
  ])('%s affects %j and not %j', (file, projects, others) => {
    const affected = affectedBy(file);
    expect(affected).toEqual(expect.arrayContaining(projects));
    expect(affected.filter((name) => others.includes(name))).toEqual([]);
  });

  it('the tools that package.json names affects all', () => {
    expect(affectedBy('package.json')).toEqual(expect.arrayContaining(['@xim/engine', '@xim/server', ...APPS]));
  });
});

it('nx affected --target=test runs the tests of what is affected', { timeout: 180_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'xim-affected-'));
  try {
    const file = join(folder, 'graph.json');
    nx('affected', '--target=test', '--files=libs/server/src/serve.ts', `--graph=${file}`);
    const { tasks } = JSON.parse(readFileSync(file, 'utf8')).tasks as { tasks: Record<string, object> };
    const tested = Object.keys(tasks).map((name) => name.replace(/:test$/, ''));
    expect(tested).toContain('bench');
    expect(tested.filter((name) => !TOOLS.includes(name)).sort()).toEqual(['@xim/server', ...APPS].sort());
  } finally {
    rmSync(folder, { recursive: true });
  }
});

// The images that a change of a file rebuilds. The list may lack apps of later versions.
it.each([
  ['xim/base/Dockerfile', ['xim-oneapi', 'xim-ipex', 'chat', 'embedding']],
  ['xim/oneapi/Dockerfile', ['xim-oneapi', 'chat', 'embedding']],
  ['libs/engine-oneapi/python/requirements.lock', ['xim-oneapi', 'chat', 'embedding']],
  ['libs/engine-ipex/python/requirements.pytorch.in', ['xim-ipex']],
  ['libs/engine-oneapi/src/oneapi-engine.ts', ['chat', 'embedding']],
  ['libs/server/src/http/sse.ts', ['chat', 'embedding']],
  ['apps/chat/src/app.ts', ['chat']],
  ['apps/chat/README.md', []],
])('%s rebuilds the images %j', { timeout: 180_000 }, (file, images) => {
  const affected = nx('show', 'projects', '--affected', `--files=${file}`, '--withTarget=docker-build', '--json');
  const known = ['xim-oneapi', 'xim-ipex', 'chat', 'embedding'];
  expect((JSON.parse(affected) as string[]).filter((name) => known.includes(name)).sort()).toEqual([...images].sort());
});
