import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { livingProcesses } from '../vitest/proc.ts';
import { toPort } from './start.mjs';
import { makeWorkspace, type Workspace } from './workspace-fixture.ts';

const PATIENCE_MS = 120_000;

/** Serves HTTP and ends on SIGTERM, as a service does, or then waits for a request to /end. Answers how often it was asked to end. */
const SERVES = `
import { createServer } from 'node:http';
let signals = 0;
const server = createServer((request, response) => {
  response.end(String(signals));
  if (request.url === '/end') response.once('close', () => process.exit(0));
}).listen(0, '127.0.0.1', () => {
  const { port } = server.address() as { port: number };
  console.log(JSON.stringify({ pid: process.pid, url: \`http://127.0.0.1:\${port}\`, port: process.env['XIM_PORT'], threads: process.env['XIM_THREADS'], cache: process.env['XIM_KV_CACHE_BYTES'] }));
});
process.on('SIGTERM', () => {
  signals += 1;
  if (!process.env['BUSY']) process.exit(0);
});
`;

/** In the place of xim-plan: the n-th service gets n threads, and all but the first have a cache. */
const PLANS = `
const names = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const services = names.map((service, at) => ({ service, plan: { threads: at + 1, kvCacheBytes: at * 100 } }));
console.log(JSON.stringify({ services }));
`;

let workspace: Workspace;
let started: ChildProcess[];
beforeEach(() => {
  workspace = makeWorkspace();
  started = [];
  app('chat', SERVES, 'Talks');
  app('embedding', SERVES, 'Counts');
  workspace.write('libs/host-plan/src/bin.ts', PLANS);
});
afterEach(() => {
  for (const { pid, exitCode, signalCode } of started)
    if (pid && exitCode === null && !signalCode) process.kill(-pid, 'SIGKILL');
  workspace.remove();
});

function app(name: string, main: string, description = ''): void {
  workspace.write(
    `apps/${name}/package.json`,
    JSON.stringify({ name: `@xim/app-${name}`, type: 'module', description }),
  );
  workspace.write(`apps/${name}/src/main.ts`, main);
}

interface Started {
  readonly child: ChildProcess;
  /** The reports of the services by their prefix; '' without prefix. */
  readonly services: Map<string, { pid: number; url: string; port: string; threads?: string; cache?: string }>;
  output(): string;
  readonly ended: Promise<[code: number | null, signal: string | null]>;
}

/** Runs a command as the leader of a process group, as a shell does. */
function run(command: string, args: string[], env: NodeJS.ProcessEnv = {}): Started {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('XIM_')));
  const child = spawn(command, args, {
    ...{ cwd: workspace.root, env: { ...inherited, ...env }, detached: true },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let output = '';
  const services: Started['services'] = new Map();
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
      for (const [, name = '', json = ''] of output.matchAll(/^(?:(\w+) \| )?(\{.*\})$/gm))
        services.set(name, JSON.parse(json));
    });
  return { child, services, output: () => output, ended: once(child, 'close') as Started['ended'] };
}

const start = (args: string[] = [], env?: NodeJS.ProcessEnv) =>
  run(process.execPath, ['tools/start.mjs', ...args], env);

async function serving(one: Started, count: number): Promise<number[]> {
  await expect.poll(() => one.services.size, { timeout: PATIENCE_MS }).toBe(count);
  return [...one.services.values()].map(({ pid }) => pid);
}

/** Puts a statement before the start script of the workspace. */
function beforeStart(statement: string): void {
  const path = 'tools/start.mjs';
  workspace.write(path, `${statement}\n${readFileSync(join(workspace.root, path), 'utf8')}`);
}

const ask = (one: Started, path: string) =>
  Promise.all([...one.services.values()].map(({ url }) => fetch(url + path).then((answer) => answer.text())));
const living = (pids: number[]) => livingProcesses().filter(({ pid }) => pids.includes(pid));

it('ports count up from XIM_PORT, or 8000; what is no port is left to the service', () => {
  expect([0, 1, 2].map((index) => toPort(undefined, index))).toEqual(['8000', '8001', '8002']);
  expect([0, 1].map((index) => toPort('9000', index))).toEqual(['9000', '9001']);
  expect([0, 1].map((index) => toPort('0', index))).toEqual(['0', '0']);
  expect([0, 1].map((index) => toPort('http', index))).toEqual(['http', 'http']);
});

it(
  'serves chat by default, its output untouched, until SIGTERM',
  async () => {
    const one = start();
    const pids = await serving(one, 1);
    expect(one.services.get('')?.port).toBe('8000');
    one.child.kill('SIGTERM');
    expect(await one.ended).toEqual([0, null]);
    expect(living(pids)).toEqual([]);
  },
  PATIENCE_MS,
);

it(
  'several services: a port each, lines with their names',
  async () => {
    const one = start(['embedding', 'chat'], { XIM_PORT: '9100' });
    const pids = await serving(one, 2);
    expect(one.services.get('embedding')?.port).toBe('9100');
    expect(one.services.get('chat')?.port).toBe('9101');
    one.child.kill('SIGINT');
    expect(await one.ended).toEqual([0, null]);
    expect(living(pids)).toEqual([]);
  },
  PATIENCE_MS,
);

it(
  'several services share the host by the plan, where the user says nothing else',
  async () => {
    const one = start(['embedding', 'chat']);
    await serving(one, 2);
    expect(one.services.get('embedding')).toMatchObject({ threads: '1' });
    expect(one.services.get('embedding')?.cache).toBeUndefined();
    expect(one.services.get('chat')).toMatchObject({ threads: '2', cache: '100' });
    one.child.kill('SIGINT');
    expect(await one.ended).toEqual([0, null]);

    const other = start(['embedding', 'chat'], { XIM_THREADS: '7' });
    await serving(other, 2);
    expect([...other.services.values()].map(({ threads }) => threads)).toEqual(['7', '7']);
    other.child.kill('SIGINT');
    expect(await other.ended).toEqual([0, null]);

    const own = start(['embedding', 'chat'], { XIM_MODEL: './own.gguf' });
    await serving(own, 2);
    expect(own.services.get('chat')?.threads).toBe('2');
    expect(own.services.get('chat')?.cache, 'planned for another model').toBeUndefined();
    own.child.kill('SIGINT');
    expect(await own.ended).toEqual([0, null]);
  },
  PATIENCE_MS,
);

it(
  'services that do not fit together are not started',
  async () => {
    workspace.write(
      'libs/host-plan/src/bin.ts',
      `console.error('The services together need 9 GiB, but 1 GiB are free here.'); process.exitCode = 1;`,
    );
    const one = start(['embedding', 'chat']);
    expect(await one.ended).toEqual([1, null]);
    expect(one.output()).toContain('xim: The services together need 9 GiB');
    expect(one.services.size).toBe(0);
  },
  PATIENCE_MS,
);

it(
  'signals under npm reach the whole group, and more than once: each service is asked once',
  async () => {
    // Its clock stands still: all signals come at the same time, however late npm passes them on.
    beforeStart(`performance.now = () => 0;
      for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => console.error('received', signal));`);
    const one = run('npm', ['start', '--silent', 'chat', 'embedding'], { BUSY: '1' });
    const pids = await serving(one, 2);
    process.kill(-one.child.pid!, 'SIGINT');
    process.kill(-one.child.pid!, 'SIGTERM');
    await expect.poll(one.output, { timeout: PATIENCE_MS }).toMatch(/received SIGINT/);
    await expect.poll(one.output, { timeout: PATIENCE_MS }).toMatch(/received SIGTERM/);
    await expect.poll(() => ask(one, '/'), { timeout: PATIENCE_MS }).toEqual(['1', '1']);
    expect(await ask(one, '/end')).toEqual(['1', '1']);
    const [code] = await one.ended;
    expect(code).toBe(0);
    expect(living(pids)).toEqual([]);
  },
  PATIENCE_MS,
);

it(
  'a service that does not end: the third signal kills it, and the exit code says so',
  async () => {
    // An hour passes between two looks at its clock, so each signal is a further one.
    beforeStart('let hours = 0; performance.now = () => ++hours * 3_600_000;');
    const one = start(['chat'], { BUSY: '1' });
    const pids = await serving(one, 1);
    for (const signals of ['1', '2']) {
      one.child.kill('SIGINT');
      await expect.poll(() => ask(one, '/'), { timeout: PATIENCE_MS }).toEqual([signals]);
    }
    one.child.kill('SIGINT');
    expect(await one.ended).toEqual([128 + 9, null]);
    expect(living(pids)).toEqual([]);
  },
  PATIENCE_MS,
);

it(
  'kill -9 of the start script ends the services too',
  async () => {
    const one = start(['chat', 'embedding'], { BUSY: '1' });
    const pids = await serving(one, 2);
    one.child.kill('SIGKILL');
    expect((await one.ended)[1]).toBe('SIGKILL');
    await expect.poll(() => living(pids), { timeout: 20_000 }).toEqual([]);
  },
  PATIENCE_MS,
);

it(
  'a service that dies ends the others, and its exit code is the answer',
  async () => {
    app('embedding', `setTimeout(() => { console.error('The port is in use.'); process.exit(7); }, 1000);`);
    const one = start(['chat', 'embedding']);
    const pids = await serving(one, 1);
    expect(await one.ended).toEqual([7, null]);
    expect(one.output()).toContain('embedding | The port is in use.');
    expect(one.output()).toContain('embedding ended with exit code 7; stopping the others.');
    expect(living(pids)).toEqual([]);
  },
  PATIENCE_MS,
);

it(
  'a service that has nothing left to do ends: the channel to the start script does not keep it',
  async () => {
    app('chat', `console.log('done');`);
    expect(await start().ended).toEqual([0, null]);
  },
  PATIENCE_MS,
);

it.each([
  [['chatt'], 'There is no service "chatt".'],
  [['--port=1'], 'There is no option "--port=1": settings are environment variables'],
  [['chat', 'chat'], 'The service "chat" is named twice.'],
])('%s: says so, lists the services, starts nothing', async (args, sentence) => {
  const one = start(args);
  expect(await one.ended).toEqual([2, null]);
  expect(one.output()).toContain(sentence);
  expect(one.output()).toMatch(/^ {2}chat {7}Talks\n {2}embedding {2}Counts$/m);
  expect(one.services.size).toBe(0);
});

it(
  '--help: how to call it, then the settings as the service prints them',
  async () => {
    app('chat', `console.log('arguments', process.argv.slice(2).join());`, 'Talks');
    const one = start(['--help']);
    expect(await one.ended).toEqual([0, null]);
    expect(one.output()).toMatch(/^npm start \[service …\].*Ctrl-C(.|\n)*Talks\n(.|\n)*arguments --help\n$/);
  },
  PATIENCE_MS,
);

it(
  'tells a service where environments and models are, unless the user has said so, and nothing it does not know',
  async () => {
    app(
      'chat',
      `console.log(Object.keys(process.env).filter((name) => name.startsWith('XIM_')).sort().join());
      console.log(process.env['XIM_VENVS'], process.env['XIM_MODEL_CACHE']);`,
    );
    const one = start([], { XIM_PYTHON: 'python3' });
    expect(await one.ended).toEqual([0, null]);
    expect(one.output()).toBe(
      `XIM_MODEL_CACHE,XIM_PORT,XIM_VENVS\n${workspace.root}/.venv ${workspace.root}/.model_cache\n`,
    );
    const other = start([], { XIM_VENVS: '/v', XIM_MODEL_CACHE: '/m' });
    await other.ended;
    expect(other.output()).toContain('\n/v /m\n');
  },
  PATIENCE_MS,
);

it(
  'no npm registry: one sentence and exit code 1, nothing served',
  async () => {
    const packages = { 'node_modules/tsx': { version: '4.23.15', integrity: `sha512-${'A'.repeat(86)}==` } };
    const manifest = { name: 'fixture', type: 'module', dependencies: { tsx: '4.23.15' } };
    workspace.write('package.json', JSON.stringify(manifest));
    workspace.write(
      'package-lock.json',
      JSON.stringify({ lockfileVersion: 3, packages: { '': manifest, ...packages } }),
    );
    rmSync(join(workspace.root, 'node_modules'), { recursive: true });
    const one = start([], {
      npm_config_registry: 'http://127.0.0.1:9/',
      npm_config_cache: join(workspace.root, '.npm'),
    });
    expect(await one.ended).toEqual([1, null]);
    expect(one.output()).toBe(
      'xim: installing node packages (about 30 s the first time) …\n' +
        'xim: Installing node packages failed: the npm registry could not be reached. ' +
        'Check the network (or the proxy, HTTPS_PROXY) and start again; once set up, no network is needed.\n',
    );
  },
  PATIENCE_MS,
);

it(
  'no package index: one sentence and exit code 1; no Python: the same',
  async () => {
    workspace.write('libs/engine-toy/python/requirements.lock', `toy==1.0 --hash=sha256:${'0'.repeat(64)}\n`);
    workspace.write('apps/chat/package.json', JSON.stringify({ dependencies: { '@xim/engine-toy': '^1' } }));
    const unreached = {
      PIP_INDEX_URL: 'http://127.0.0.1:9/',
      PIP_CONFIG_FILE: '/dev/null',
      PIP_FIND_LINKS: '',
      PIP_RETRIES: '0',
    };
    const one = start([], unreached);
    expect(await one.ended).toEqual([1, null]);
    expect(one.output()).toMatch(/the Python package index could not be reached\. Check the network .*\n$/);
    expect(one.output()).not.toMatch(/^ {4}at /m);

    const other = run(process.execPath, ['tools/start.mjs'], { PATH: '/nowhere' });
    expect(await other.ended).toEqual([1, null]);
    expect(other.output()).toMatch(/^xim: No Python was found\. Install .*\n$/);
  },
  PATIENCE_MS,
);
