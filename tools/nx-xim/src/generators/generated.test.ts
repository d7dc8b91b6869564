import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ROOT } from './__fixtures__/tree.ts';

const PATIENCE = 600_000;
const ALONE = {
  FORCE_COLOR: '0',
  NX_NO_CLOUD: 'true',
  NX_DAEMON: 'false',
  NX_ISOLATE_PLUGINS: 'false',
  NX_TUI: 'false',
};
const APP = ['@xim/nx:app', 'my-embedder', '--engine', 'oneapi', '--task', 'embed'];
const PAINTER = ['@xim/nx:app', 'my-painter', '--engine', 'oneapi', '--task', 'generateImage', '--wheels'];
const ENGINE = ['@xim/nx:engine', 'my-engine'];

/** A copy of the repository, where neither git nor Nx nor a linter of the original looks. */
let copy: string;

beforeAll(() => {
  mkdirSync(join(ROOT, '.xim'), { recursive: true });
  copy = mkdtempSync(join(ROOT, '.xim/generated-'));
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT });
  for (const file of String(listed).split('\n')) {
    if (/^[^.]|^\.[^/]*$|^\.ci\//.test(file) && !/^\.(venv|model_cache)$/.test(file)) copyFile(file);
  }
  // Links to the files, not copies: npm replaces changed files, except its record of installed packages.
  execFileSync('cp', ['-al', join(ROOT, 'node_modules'), join(copy, 'node_modules')]);
  const record = 'node_modules/.package-lock.json';
  rmSync(join(copy, record));
  cpSync(join(ROOT, record), join(copy, record));
  mkdirSync(join(ROOT, '.model_cache'), { recursive: true });
  for (const folder of ['.venv', '.model_cache']) symlinkSync(join(ROOT, folder), join(copy, folder));
  run('git', ['init', '--quiet']);
  run('git', ['add', '--all', '--', ':!.venv', ':!.model_cache']);
  const who = ['-c', 'user.name=test', '-c', 'user.email=test@example.invalid'];
  run('git', [...who, 'commit', '--quiet', '--message=before']);
}, PATIENCE);

afterAll(() => rmSync(copy, { recursive: true, force: true }), PATIENCE);

function copyFile(file: string): void {
  if (file === '') return;
  mkdirSync(dirname(join(copy, file)), { recursive: true });
  cpSync(join(ROOT, file), join(copy, file), { force: true });
}

/** The environment without the variables of the test runner. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(VITEST|XIM_|NX_|NODE_ENV|TEST$)/.test(name));
  return { ...Object.fromEntries(kept), ...ALONE };
}

/** The output of a command that succeeds. */
function run(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: copy, env: environment(), encoding: 'utf8' });
  expect(status, `${program} ${args.join(' ')}\n${stdout}\n${stderr}`).toBe(0);
  return stdout;
}

const bin = (name: string, ...args: string[]) => run(join(copy, 'node_modules/.bin', name), args);
const changes = () => run('git', ['status', '--porcelain', '--', '.', ':!.venv', ':!.model_cache']).trim().split('\n');
const affected = () => JSON.parse(bin('nx', 'show', 'projects', '--affected', '--base=HEAD', '--json')) as string[];

describe('what the generators make', { timeout: PATIENCE }, () => {
  it('is nothing in a dry run', () => {
    for (const args of [APP, ENGINE]) expect(bin('nx', 'g', ...args, '--dry-run')).toMatch(/CREATE (apps|libs)\//);
    expect(changes()).toEqual(['']);
  });

  it('is a folder and its entry in the lock file, affects nobody else, and is told with what to do next', () => {
    const output = bin('nx', 'g', ...APP);
    expect(output).toContain('npm start my-embedder');
    expect(changes().sort()).toEqual(['?? apps/my-embedder/', 'M package-lock.json']);
    expect(run('git', ['diff', '--numstat', 'package-lock.json'])).toMatch(/^\d+\t0\t/);
    expect(affected()).toEqual(['my-embedder']);
  });

  it('needs no list of services or engines', () => {
    expect(bin('nx', 'g', ...PAINTER)).toMatch(/Left to write:[^]*apps\/my-painter\/handler\.py/);
    expect(bin('nx', 'g', ...ENGINE)).toContain('libs/engine-my-engine');
    expect(changes().sort()).toEqual([
      ...['apps/my-embedder/', 'apps/my-painter/', 'libs/engine-my-engine/', 'xim/my-engine/'].map(
        (one) => `?? ${one}`,
      ),
      'M package-lock.json',
    ]);
  });

  it('can be installed from the lock file', () => {
    run('npm', ['ci', '--dry-run', '--offline']);
    expect(run(process.execPath, ['--eval', LOCK_FILE_PROBLEMS])).toBe('[]');
  });

  it('passes the linters, the formatters and the types', () => {
    const folders = ['apps/my-embedder', 'apps/my-painter', 'libs/engine-my-engine', 'xim/my-engine'];
    bin('prettier', '--check', ...folders);
    bin('nx', 'show', 'projects');
    const withCode = folders.slice(0, 3);
    bin('eslint', '--max-warnings=0', ...withCode);
    for (const folder of withCode) bin('tsc', '-p', folder);
    for (const args of [['check'], ['format', '--check']]) run(join(copy, '.venv/dev/bin/ruff'), [...args, ...folders]);
    run(process.execPath, ['--input-type=module', '--eval', MYPY]);
    const images = ['apps/my-embedder', 'apps/my-painter', 'xim/my-engine'].map((folder) => `${folder}/Dockerfile`);
    run(join(copy, '.venv/dev/bin/hadolint'), images);
  });

  it('is built: a service into one file, an engine into a package that can be published', () => {
    bin('nx', 'run-many', '--target=build', '--projects=my-embedder,my-painter,engine-my-engine');
    expect(readFileSync(join(copy, 'apps/my-painter/dist/main.js'), 'utf8')).toContain('../handler.py');
    bin('publint', 'run', 'libs/engine-my-engine', '--strict');
  });

  it('has the shape of its siblings', () => {
    bin('vitest', 'run', '--config=vitest.base.ts', 'tools/nx-xim/src/conventions', 'tools/start/lock-wheels');
  });

  it('passes its tests: a service on its model, one that waits for its handler, the conformance suite', () => {
    bin('nx', 'run-many', '--target=test', '--projects=my-embedder,my-painter,engine-my-engine');
  });

  it('answers the command of its README', async () => {
    const service = start('my-embedder', { XIM_PORT: '0', XIM_LOG_LEVEL: 'silent' });
    try {
      await vi.waitFor(() => expect(service.output()).toMatch(/^http:\S+\/v1$/m), { timeout: PATIENCE, interval: 200 });
      const origin = /^(http:\S+)\/v1$/m.exec(service.output())![1]!;
      const readme = readFileSync(join(copy, 'apps/my-embedder/README.md'), 'utf8');
      const answer = JSON.parse(await curl(/^curl [^]*?(?=\n```)/m.exec(readme)![0], origin));
      expect(answer.data).toHaveLength(2);
      expect(answer.data[0].embedding).toHaveLength(384);
    } finally {
      service.process.kill();
      expect(await service.ended).toBe(0);
    }
  });

  it('says what is left to write, and ends', async () => {
    const service = start('my-painter', { XIM_PORT: '0', XIM_LOG_LEVEL: 'silent' });
    expect(await service.ended).toBe(1);
    expect(service.output()).toMatch(/apps\/my-painter\/handler\.py is not finished: write load\(\) and run\(\)/);
  });

  it('is gone when its folders are', () => {
    for (const folder of ['apps/my-embedder', 'apps/my-painter', 'libs/engine-my-engine', 'xim/my-engine']) {
      rmSync(join(copy, folder), { recursive: true });
    }
    run('npm', ['install', '--offline', '--no-audit', '--no-fund']);
    expect(changes()).toEqual(['']);
  });
});

const LOCK_FILE_PROBLEMS =
  "import('./tools/check/lock-file.mjs').then((m) => process.stdout.write(JSON.stringify(m.lockFileProblems('.'))))";

/** The type checks of the Python that was made. */
const MYPY = `
  import { mypyCommand, pythonFolders } from './tools/check/python.mjs';
  import { spawnSync } from 'node:child_process';
  const root = process.cwd();
  const made = pythonFolders(root).filter(({ name }) => /my-(painter|engine)$/.test(name));
  if (made.length !== 2) throw new Error('There are other folders: ' + made.map(({ name }) => name));
  for (const { program, args, cwd, env } of made.map((folder) => mypyCommand(root, folder))) {
    const { status } = spawnSync(program, args, { cwd, env: { ...process.env, ...env }, stdio: 'inherit' });
    process.exitCode ||= status;
  }
`;

/** A service of the copy, as `npm start` runs it. */
function start(app: string, more: NodeJS.ProcessEnv) {
  const args = ['--conditions=@xim/source', '--import', 'tsx', `apps/${app}/src/main.ts`];
  const env = { ...environment(), XIM_VENVS: '.venv', XIM_MODEL_CACHE: '.model_cache', ...more };
  const service = spawn(process.execPath, args, { cwd: copy, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  for (const stream of [service.stdout, service.stderr]) {
    createInterface({ input: stream }).on('line', (line) => lines.push(line));
  }
  const ended = once(service, 'close').then(([code]) => code as number | null);
  return { process: service, ended, output: () => lines.join('\n') };
}

/** The output of the command in a README, with the service at `origin`; by curl, where it is installed. */
async function curl(command: string, origin: string): Promise<string> {
  const { status, stdout } = spawnSync('sh', ['-c', command.replace('http://127.0.0.1:8000', origin)]);
  if (status === 0) return String(stdout);
  expect(status, 'the shell found no curl').toBe(127);
  const [, path] = /127\.0\.0\.1:8000(\S+)/.exec(command)!;
  const [, body] = / -d '([^']+)'/.exec(command)!;
  const headers = { 'content-type': 'application/json' };
  return (await fetch(`${origin}${path}`, { method: 'POST', headers, body })).text();
}
