import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { livingProcesses } from '../vitest/proc.ts';
import { prepare } from './prepare.mjs';
import { makeWheel, makeWorkspace, onlyWheelsOf, type Workspace } from './workspace-fixture.ts';

/** pip and venv take seconds, and this machine may be slow. */
const PATIENCE_MS = 300_000;

/** An environment without packages. Python needs seconds to make one, so all tests but the first use copies of it. */
const template = mkdtempSync(join(tmpdir(), 'xim-venv-'));
beforeAll(() => {
  const { status } = spawnSync('python3', ['-I', '-m', 'venv', join(template, 'venv')], { stdio: 'inherit' });
  expect(status).toBe(0);
}, PATIENCE_MS);
afterAll(() => rmSync(template, { recursive: true }));

let workspace: Workspace;
let python: string;
let wheels: string;
let lines: string[];
beforeEach(() => {
  workspace = makeWorkspace();
  wheels = join(workspace.root, 'wheels');
  lines = [];
  python = makePython('copies', `exec cp -a ${template}/venv "$4"`);
  lock('1.0');
});
afterEach(() => workspace.remove());

const LOCK = 'libs/engine-toy/python/requirements.lock';
const lock = (version: string) => workspace.write(LOCK, makeWheel(wheels, 'toy', version));
const options = (env: NodeJS.ProcessEnv = {}) => ({
  ...{ engines: ['toy'], models: [], dev: false, root: workspace.root },
  ...{ env: { ...onlyWheelsOf(wheels), XIM_PYTHON: python, ...env }, log: (line: string) => void lines.push(line) },
});
/** A Python whose `-I -m venv <path>` is this line of shell. */
function makePython(name: string, venv: string): string {
  workspace.write(`bin/${name}`, `#!/bin/sh\n[ "$2" = -c ] && exec python3 "$@"\n${venv}\n`);
  chmodSync(join(workspace.root, 'bin', name), 0o755);
  return join(workspace.root, 'bin', name);
}
const inVenvs = () => readdirSync(join(workspace.root, '.venv')).sort();
const link = () => join(workspace.root, '.venv/toy');

const lives = (pid: number) => livingProcesses().some((one) => one.pid === pid);

/** The version that the Python of the environment imports, as a worker does. */
function imported(): string {
  const code = 'import sys, toy; print(toy.version, sys.prefix)';
  const { stdout } = spawnSync(join(link(), 'bin/python'), ['-c', code], { encoding: 'utf8' });
  return stdout.trim();
}

it(
  'builds what is missing, and does nothing a second time',
  async () => {
    const { venvs } = await prepare(options({ XIM_PYTHON: undefined }));
    expect(imported()).toBe(`1.0 ${venvs}/toy`);
    expect(lines).toEqual([
      expect.stringMatching(/^installing the Python environment "toy" with Python 3\./),
      expect.stringMatching(/^the Python environment "toy" is installed \(\d+ s\)\.$/),
    ]);
    const target = readlinkSync(link());
    await prepare(options({ XIM_PYTHON: undefined, PATH: '/nowhere' }));
    expect(lines).toHaveLength(2);
    expect(readlinkSync(link())).toBe(target);
    expect(inVenvs()).toEqual([target, 'toy']);
  },
  PATIENCE_MS,
);

it(
  'replaces it when the lock changed; when that fails, the old one stays, and nothing half-built',
  async () => {
    await prepare(options());
    workspace.write(LOCK, `toy==2.0 --hash=sha256:${'0'.repeat(64)}\n`);
    await expect(prepare(options())).rejects.toThrow(/the Python package index has no wheel of toy==2\.0/);
    expect(imported()).toMatch(/^1\.0 /);
    expect(inVenvs()).toHaveLength(2);

    lock('2.0');
    await prepare(options());
    expect(imported()).toMatch(/^2\.0 /);
    expect(inVenvs()).toHaveLength(2);
  },
  PATIENCE_MS,
);

it(
  'a service with wheels of its own has an environment of the engine’s wheels and its own; one without has the engine’s',
  async () => {
    workspace.write('apps/chat/package.json', '{ "dependencies": { "@xim/engine-toy": "1" } }');
    workspace.write(
      'apps/voice/package.json',
      '{ "dependencies": { "@xim/engine-toy": "1", "@xim/engine-bare": "1" } }',
    );
    const own = (version: string) =>
      workspace.write('apps/voice/requirements.lock', makeWheel(wheels, 'siren', version));
    const both = () =>
      spawnSync(join(workspace.root, '.venv/voice@toy/bin/python'), [
        ...['-c', 'import siren, toy; print(toy.version, siren.version)'],
      ]).stdout.toString();
    own('5.0');
    const apps = (...names: string[]) => prepare({ ...options(), engines: [], apps: names });

    await apps('chat');
    expect(inVenvs().filter((name) => !name.startsWith('.'))).toEqual(['toy']);
    await apps('chat', 'voice');
    expect(inVenvs().filter((name) => !name.startsWith('.'))).toEqual(['toy', 'voice@bare', 'voice@toy']);
    expect(both()).toBe('1.0 5.0\n');
    expect(spawnSync(join(link(), 'bin/python'), ['-c', 'import siren']).status).toBe(1);

    own('6.0');
    await apps('voice');
    expect(both()).toBe('1.0 6.0\n');
    lock('2.0');
    await apps('voice');
    expect(both()).toBe('2.0 6.0\n');
    expect(imported(), 'nobody asked for the engine’s own').toMatch(/^1\.0 /);
    expect(inVenvs()).toHaveLength(6);
  },
  PATIENCE_MS,
);

it(
  'an engine that is installed on demand is installed where XIM_ENGINE names it, and not for a service or a check',
  async () => {
    workspace.write('apps/chat/package.json', '{ "dependencies": { "@xim/engine-toy": "1" } }');
    workspace.write('libs/engine-toy/package.json', '{ "xim": { "install": "on-demand" } }');
    const chat = (env: NodeJS.ProcessEnv = {}) => prepare({ ...options(env), apps: ['chat'] });
    await chat();
    await chat({ XIM_ENGINE: 'other' });
    expect(existsSync(join(workspace.root, '.venv/toy'))).toBe(false);
    expect(lines).toEqual([]);
    await chat({ XIM_ENGINE: 'toy' });
    expect(imported()).toMatch(/^1\.0 /);
  },
  PATIENCE_MS,
);

it(
  'an engine on PyTorch gets it after its lock, without a hash, from where pip is told to look',
  async () => {
    const list = (version: string) => {
      makeWheel(wheels, 'torchlike', version);
      workspace.write('libs/engine-toy/python/requirements.pytorch.in', `torchlike==${version}\n`);
    };
    const both = () =>
      spawnSync(join(link(), 'bin/python'), ['-c', 'import torchlike, toy; print(toy.version, torchlike.version)'])
        .stdout.toString()
        .trim();
    list('3.0');
    await prepare(options());
    expect(both()).toBe('1.0 3.0');
    expect(lines[0]).toMatch(/PyTorch for CPUs, about 1\.5 GB/);
    expect(readFileSync(join(workspace.root, '.xim/setup.log'), 'utf8')).not.toContain('download.pytorch.org');
    list('3.1');
    await prepare(options());
    expect(both()).toBe('1.0 3.1');
  },
  PATIENCE_MS,
);

it(
  'a file that is not the one of the lock is refused',
  async () => {
    workspace.write(LOCK, `toy==1.0 --hash=sha256:${'0'.repeat(64)}\n`);
    await expect(prepare(options())).rejects.toThrow(/is not the one that the lock file names/);
    expect(existsSync(link())).toBe(false);
  },
  PATIENCE_MS,
);

it(
  'an environment of the user’s own behind a link is replaced, never deleted',
  async () => {
    const own = join(workspace.root, 'own');
    mkdirSync(own);
    mkdirSync(join(workspace.root, '.venv'));
    symlinkSync('../own', link());
    await prepare(options());
    expect(imported()).toMatch(/^1\.0 /);
    expect(existsSync(own)).toBe(true);
  },
  PATIENCE_MS,
);

it('with XIM_VENVS, the environments are the user’s to make', async () => {
  const { venvs } = await prepare(options({ XIM_VENVS: '/somewhere' }));
  expect(venvs).toBe('/somewhere');
  expect(existsSync(link())).toBe(false);
});

it('without the venv module: one sentence, before anything is made', async () => {
  workspace.write('bin/without', `#!/bin/sh\necho '{"version": [3, 11, 2], "hasVenv": false}'\n`);
  chmodSync(join(workspace.root, 'bin/without'), 0o755);
  await expect(prepare(options({ XIM_PYTHON: join(workspace.root, 'bin/without') }))).rejects.toThrow(
    /has no venv module/,
  );
  expect(existsSync(join(workspace.root, '.venv'))).toBe(false);
});

it.each(['SIGTERM', 'SIGKILL'] as const)(
  '%s while it is built: the old one stays usable, and the next start completes the new one',
  async (signal) => {
    await prepare(options());
    lock('2.0');

    // Makes the folder, as venv does first, and then takes its time.
    const hanging = makePython('hangs', 'mkdir -p "$4/bin"; echo $$ > "$4/new"; mv "$4/new" "$4/pid"; exec sleep 1000');
    const child = startSetup({ ...options().env, XIM_PYTHON: hanging });
    const exited = once(child, 'exit');
    const halfBuilt = () => inVenvs().find((name) => existsSync(join(workspace.root, '.venv', name, 'pid')));
    await expect.poll(halfBuilt, { timeout: PATIENCE_MS }).toBeDefined();
    const pid = Number(readFileSync(join(workspace.root, '.venv', halfBuilt() ?? '', 'pid'), 'utf8'));
    child.kill(signal);
    expect(await exited).toEqual(signal === 'SIGTERM' ? [143, null] : [null, 'SIGKILL']);

    if (signal === 'SIGTERM') {
      await expect.poll(() => lives(pid)).toBe(false);
      expect(halfBuilt()).toBeUndefined();
    } else {
      process.kill(pid);
      expect(halfBuilt()).toBeDefined();
    }
    expect(imported()).toMatch(/^1\.0 /);

    await prepare(options());
    expect(imported()).toMatch(/^2\.0 /);
    expect(inVenvs()).toHaveLength(2);
  },
  PATIENCE_MS,
);

it(
  'two starts at once: one builds, the other waits and has it',
  async () => {
    const children = [startSetup(options().env), startSetup(options().env)];
    const texts = children.map(async (child) => {
      let text = '';
      child.stderr?.on('data', (chunk) => (text += chunk));
      expect(await once(child, 'close')).toEqual([0, null]);
      return text;
    });
    const output = (await Promise.all(texts)).join('');
    expect(output.match(/is installed/g)).toHaveLength(1);
    expect(output).toMatch(/another start is setting up this folder; waiting for it/);
    expect(imported()).toMatch(/^1\.0 /);
  },
  PATIENCE_MS,
);

/** The set-up in a separate process, as in `npm start`. */
function startSetup(env: NodeJS.ProcessEnv): ChildProcess {
  workspace.write(
    'set-up.mjs',
    `import { setup } from './tools/start/index.mjs';
    await setup({ engines: ['toy'], models: [], dev: false, log: (line) => console.error(line) });`,
  );
  return spawn(process.execPath, ['set-up.mjs'], { cwd: workspace.root, env, stdio: ['ignore', 'ignore', 'pipe'] });
}
