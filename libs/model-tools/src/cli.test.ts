import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readModels } from '@xim/model-cache';
import { cli } from '../test/cli.ts';
import { type FakeHub, startFakeHub } from '../../model-cache/test/fake-hub.ts';
import { LLAMA, makeGguf } from '../../model-cache/test/gguf.ts';
import { makeFile, makeModel, noise, sha256 } from '../../model-cache/test/model.ts';
import { formatModels } from './models-json/format-models.ts';

vi.setConfig({ testTimeout: 120_000 });

const COMMIT = 'c'.repeat(40);
const ROOT = join(import.meta.dirname, '../../..');
const GGUF = Buffer.concat([makeGguf(LLAMA), noise(1000)]);
const CONFIG = Buffer.from('{}');

let folder: string;
let cache: string;
let file: string;
let hub: FakeHub;
let env: Record<string, string>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'xim-cli-'));
  [cache, file] = [join(folder, 'cache'), join(folder, 'models.json')];
  const files = { 'tiny.Q4_0.gguf': GGUF, 'config.json': CONFIG };
  hub = await startFakeHub({
    'org/tiny': { commit: COMMIT, files, licence: 'mit' },
    'org/gated': { commit: COMMIT, files, licence: 'gemma', token: 'secret' },
  });
  env = { XIM_MODEL_CACHE: cache, HF_ENDPOINT: hub.endpoint, HOME: folder };
});
afterEach(async () => {
  await hub.close();
  rmSync(folder, { recursive: true });
});

const model = (more = {}) =>
  makeModel([makeFile('tiny.Q4_0.gguf', GGUF, 'hf:org/tiny'), makeFile('config.json', CONFIG, 'hf:org/tiny')], {
    licence: 'MIT',
    ...more,
  });
const write = (main: unknown): void => writeFileSync(file, formatModels({ lockVersion: 1, models: { main } }));
/** The program itself: it starts another of the packages'. */
const which = (...args: string[]) => {
  const command = ['--conditions=@xim/source', '--import', 'tsx', 'libs/model-tools/src/bin.ts', 'which', ...args];
  const options = { cwd: ROOT, env: { PATH: process.env['PATH'], ...env }, encoding: 'utf8' as const };
  const { status: code, stdout: out, stderr: err } = spawnSync(process.execPath, command, options);
  return { code, out, err };
};
const read = () => readModels(file).models.main;
const prettify = async (text: string): Promise<string> =>
  format(text, { ...(await resolveConfig(join(ROOT, 'package.json'))), parser: 'json' });

test('every command explains itself, and refuses an option that it does not have', async () => {
  for (const name of ['list', 'pull', 'verify', 'lock', 'convert', 'ready', 'export', 'import', 'prune', 'which']) {
    const { code, out } = await cli([name, '--help'], env);
    expect({ name, code }).toEqual({ name, code: 0 });
    expect(out).toMatch(
      new RegExp(`^xim-models ${name}: .*\\n\\n  npx xim-models ${name} .*--cache FOLDER.*Exit codes`, 's'),
    );
    expect(await cli([name, '--wrong'], env)).toMatchObject({
      code: 2,
      err: expect.stringMatching(`^xim-models: .*'--wrong'.* See npx xim-models ${name} --help.\n$`),
    });
  }
});

test('lock resolves a model of the hub and writes an entry as the formatter would', async () => {
  const args = ['lock', file, '--from', 'org/tiny', '--task', 'generate', '--engine', 'oneapi'];
  expect(await cli(args, env)).toMatchObject({ code: 0, err: '' });
  expect(read()).toEqual({
    id: 'org/tiny',
    revision: COMMIT,
    task: 'generate',
    licence: 'MIT',
    created: 1730419200,
    artifacts: { 'gguf-q4_0': { files: [makeFile('tiny.Q4_0.gguf', GGUF, `hf:org/tiny@${COMMIT}`)] } },
    profiles: [{ engine: 'oneapi', artifact: 'gguf-q4_0', isa: ['avx2'] }],
    shape: { contextLength: 8192, layers: 30, kvHeads: 3, headDim: 64 },
  });
  const text = readFileSync(file, 'utf8');
  expect(await prettify(text)).toBe(text);

  // A second set of files beside the first; then another model under the same role.
  const more = ['lock', file, '--from', 'org/tiny', '--files', '*.json', '--artifact', 'meta', '--engine', 'echo'];
  expect(await cli(more, env)).toMatchObject({ code: 0 });
  expect(Object.keys(read().artifacts)).toEqual(['gguf-q4_0', 'meta']);
  const other = await cli(['lock', file, '--from', 'org/gated'], { ...env, HF_TOKEN: 'secret' });
  expect(other).toMatchObject({
    code: 1,
    err: expect.stringContaining('takes the artifact meta, which org/gated would not'),
  });
  expect(read().id).toBe('org/tiny');
});

test('lock takes all parts of a split file that is named by one of them', async () => {
  await hub.close();
  const parts = { 'big-Q8_0-00001-of-00002.gguf': GGUF, 'big-Q8_0-00002-of-00002.gguf': CONFIG };
  hub = await startFakeHub({ 'org/big': { commit: COMMIT, files: parts, licence: 'mit' } });
  const from = 'org/big#big-Q8_0-00002-of-00002.gguf';
  const args = ['lock', file, '--from', from, '--task', 'generate', '--engine', 'oneapi'];
  expect(await cli(args, { ...env, HF_ENDPOINT: hub.endpoint })).toMatchObject({ code: 0, err: '' });
  const files = Object.entries(parts).map(([name, bytes]) => makeFile(name, bytes, `hf:org/big@${COMMIT}`));
  expect(read()).toMatchObject({ artifacts: { 'gguf-q8_0': { files } }, shape: { layers: 30 } });
});

test('lock records the gate and a licence that SPDX does not list', async () => {
  const args = ['lock', file, '--from', 'org/gated', '--task', 'generate', '--engine', 'oneapi'];
  expect(await cli(args, env)).toMatchObject({ code: 1, err: expect.stringContaining('org/gated is') });
  expect(existsSync(file)).toBe(false);
  expect(await cli(args, { ...env, HF_TOKEN: 'secret' })).toMatchObject({ code: 0 });
  expect(read()).toMatchObject({ gated: true, licence: 'LicenseRef-gemma' });
});

test('lock says what is missing', async () => {
  const cases: [string[], string][] = [
    [['lock', file], 'expected --from org/name'],
    [['convert', file], 'expected --from MODEL, or --to FILE'],
    [['convert', file, '--from', './x'], 'expected --task to be one of generate, embed, rerank, transcribe'],
    [['convert', file, '--from', './x', '--task', 'embed', '--weights', 'int3'], 'expected --weights to be one of'],
    [['convert', file, '--from', './x', '--task', 'embed', '--source', 'x:'], 'is of no known kind'],
    [['convert', file, '--from', './x', '--to', 'vllm'], 'expected --to with --from to be an engine: oneapi, xft'],
    [
      ['convert', file, '--from', './x', '--to', 'xft', '--task', 'generate', '--weights', 'int8'],
      'to be one of fp16, fp32, bf16, fp8_e4m3 for xft and generate',
    ],
    [
      ['convert', file, '--from', './x', '--task', 'transcribe', '--weights', 'int4'],
      'to be one of int8, fp16, fp32 for oneapi and transcribe; found int4',
    ],
    [['convert', file, '--from', './x', '--to', 'xft', '--task', 'embed'], 'to be one of generate for xft'],
    [['lock', file, '--from', 'org/tiny'], 'expected --task for a new role'],
    [['lock', file, '--from', 'org/tiny', '--task', 'chat'], 'expected --task to be one of'],
    [['lock', file, '--from', 'org/tiny', '--task', 'embed'], 'expected --engine for a new role'],
  ];
  for (const [args, expected] of cases) {
    expect(await cli(args, env)).toMatchObject({ code: 2, err: expect.stringContaining(expected) });
  }
  const none = await cli(
    ['lock', file, '--from', 'org/tiny', '--task', 'embed', '--engine', 'x', '--files', '*.onnx'],
    env,
  );
  expect(none).toMatchObject({
    code: 1,
    err: expect.stringContaining('org/tiny has no file *.onnx; it has: tiny.Q4_0.gguf'),
  });
});

test('pull records what a file without a checksum is, by the word of a source that states one', async () => {
  const open = model();
  const files = open.artifacts['main']!.files.map(({ path, sources }) => ({ path, sources }));
  write({ ...open, artifacts: { main: { files } } });
  expect(() => read()).toThrow(/sha256/);
  expect(await cli(['pull', file], { ...env, XIM_OFFLINE: '1' })).toMatchObject({
    code: 1,
    err: expect.stringContaining('has no checksum'),
  });
  expect(await cli(['pull', file], env)).toMatchObject({
    code: 0,
    err: expect.stringContaining('recorded size and sha256'),
  });
  expect(read().artifacts['main']!.files).toEqual(open.artifacts['main']!.files);

  const web = files.map((one) => ({ ...one, sources: ['https://example.org/x'] }));
  write({ ...open, artifacts: { main: { files: web } } });
  expect(await cli(['pull', file], env)).toMatchObject({
    code: 1,
    err: expect.stringContaining('no source of it states one. https://example.org/x: states no checksum'),
  });
});

test('list, verify and prune tell and mend what is in the cache', async () => {
  write(model({ hub: 'unverified' }));
  const json = async (...args: string[]) => {
    const { code, out } = await cli([...args, '--json'], env);
    return { code, value: JSON.parse(out) };
  };
  expect((await json('list', file)).value[0].artifacts[0]).toMatchObject({ files: 2, cached: 0 });
  expect((await json('verify', file)).code).toBe(1);
  await cli(['pull', file], env);
  expect((await json('list', file)).value[0]).toMatchObject({
    hub: 'unverified',
    gated: false,
    artifacts: [{ cached: 2 }],
  });
  expect(await json('verify', file)).toMatchObject({ code: 0, value: [{ state: 'good' }, { state: 'good' }] });

  // Damaged without a trace in size or time: only hashing finds it, and then the next pull mends it.
  const blob = join(cache, 'models--org--tiny/blobs', sha256(GGUF));
  const { atime, mtime } = statSync(blob);
  writeFileSync(blob, Buffer.alloc(GGUF.length));
  utimesSync(blob, atime, mtime);
  expect(await json('verify', file)).toMatchObject({ code: 1, value: [{ state: 'damaged' }, { state: 'good' }] });
  expect(await cli(['pull', file], env)).toMatchObject({ code: 0 });
  expect(readFileSync(blob).equals(GGUF)).toBe(true);

  // The lock moves on to fewer files: the rest goes, but not before it is said.
  write(makeModel([makeFile('config.json', CONFIG, 'hf:org/tiny')]));
  await cli(['pull', file], env);
  expect(await json('prune', file)).toMatchObject({ code: 0, value: { done: false, bytes: GGUF.length } });
  expect(existsSync(blob)).toBe(true);
  expect(await json('prune', file, '--yes')).toMatchObject({ code: 0, value: { done: true, bytes: GGUF.length } });
  expect(existsSync(blob)).toBe(false);
  expect(readdirSync(join(cache, 'models--org--tiny/snapshots'))).toHaveLength(1);
  expect(await json('verify', file)).toMatchObject({ code: 0 });
});

test('verify --remote compares with the hub, and with --write records what it found', async () => {
  write(model({ hub: 'unverified' }));
  expect(await cli(['verify', file, '--remote', '--write'], env)).toMatchObject({
    code: 0,
    out: `good     org/tiny  ${COMMIT}\n`,
  });
  expect(read()).toEqual(model({ revision: COMMIT }));

  const wrong = makeModel([{ ...makeFile('tiny.Q4_0.gguf', GGUF, 'hf:org/tiny'), sha256: 'b'.repeat(64) }]);
  write({ ...wrong, hub: 'unverified' });
  const { code, out } = await cli(['verify', file, '--remote', '--write'], env);
  expect(code).toBe(1);
  expect(out).toContain('the licence is MIT on the hub, Apache-2.0 here');
  expect(out).toContain(`tiny.Q4_0.gguf of org/tiny has ${GGUF.length} bytes and sha256 ${sha256(GGUF)}; here`);
  expect(read().hub).toBe('unverified');
  expect((await cli(['verify', file, '--write'], env)).code).toBe(2);
  expect((await cli(['verify', file, '--remote'], { ...env, XIM_OFFLINE: '1' })).code).toBe(2);
});

test('ready prints the name of a model that is served as it is, and converts one in safetensors', async () => {
  write(model({ task: 'generate' }));
  const ready = (name: string, more: Record<string, string> = {}) =>
    cli(['ready', file, '--model', name, '--python', '/none/python3'], { ...env, ...more });
  expect(await ready('org/tiny')).toMatchObject({ code: 0, out: 'org/tiny\n' });
  const own = join(folder, 'own');
  mkdirSync(own);
  writeFileSync(join(own, 'tiny.gguf'), GGUF);
  expect(await ready(own)).toMatchObject({ code: 0, out: `${own}\n`, err: '' });
  rmSync(join(own, 'tiny.gguf'));
  writeFileSync(join(own, 'config.json'), CONFIG);
  writeFileSync(join(own, 'model.safetensors'), noise(100));
  const offline = await ready(own, { XIM_OFFLINE: '1' });
  expect(offline).toMatchObject({ code: 1, out: '' });
  expect(offline.err).toContain('is there only as safetensors; it is converted to OpenVINO IR (int8), once.');
  expect(offline.err).toContain('the tools that convert models are not in');
  // The service's own model shows that its engine loads them.
  write(makeModel([makeFile('model.safetensors', noise(5), 'hf:org/own')], { task: 'generate' }));
  expect(await ready(own)).toMatchObject({ code: 0, out: `${own}\n` });
  expect(await ready(own)).toMatchObject({ code: 0 });
});

test('which says what the host lacks, what is taken and whether it fits', async () => {
  const profiles = [
    { engine: 'xft', artifact: 'main', isa: ['amx_none'] },
    { engine: 'oneapi', artifact: 'main', isa: [] },
  ];
  write(model({ task: 'generate', profiles }));
  const { code, out, err } = which(file);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(
    /^main: org\/tiny\n {2}- +xft {2}main {2}needs amx_none; this host lacks amx_none; not in the cache\n/,
  );
  expect(out).toMatch(/ {2}taken {2}oneapi .*\n +fits: .*threads/);
  write(model({ task: 'generate', profiles, shape: { weightBytes: 1e15 } }));
  expect(which(file)).toMatchObject({
    code: 1,
    out: expect.stringContaining('does not fit: org/tiny needs'),
  });
  write(model({ profiles: profiles.slice(0, 1) }));
  expect(which(file, '--json')).toMatchObject({
    code: 1,
    err: expect.stringContaining('no profile of org/tiny runs'),
  });
});

test('--all means every app of the clone around the folder', async () => {
  writeFileSync(join(folder, 'package.json'), '{ "name": "@xim/workspace" }');
  writeFileSync(join(folder, 'nx.json'), '{}');
  write(model());
  for (const app of ['a', 'b']) {
    mkdirSync(join(folder, 'apps', app), { recursive: true });
    cpSync(file, join(folder, 'apps', app, 'models.json'));
  }
  mkdirSync(join(folder, 'apps/none'));
  const { code, out } = await cli(
    ['pull', '--all'],
    { HOME: folder, HF_ENDPOINT: hub.endpoint },
    join(folder, 'apps/a'),
  );
  expect(code).toBe(0);
  expect(out.trim().split('\n')).toHaveLength(2);
  expect(out).toContain(join(folder, '.model_cache'));
  expect(await cli(['list', '--all'], env)).toMatchObject({ code: 2 });
});

test('export and import by command', async () => {
  write(model());
  const tar = join(folder, 'models.tar');
  expect(await cli(['export', file, '--to', tar], env)).toMatchObject({
    code: 1,
    err: expect.stringContaining('not whole'),
  });
  expect(await cli(['export', file], env)).toMatchObject({ code: 2 });
  await cli(['pull', file], env);
  expect(await cli(['export', file, '--to', tar], env)).toMatchObject({ code: 0 });
  const there = { ...env, XIM_MODEL_CACHE: join(folder, 'there'), XIM_OFFLINE: '1' };
  expect(await cli(['import', tar], there)).toMatchObject({ code: 0 });
  expect(await cli(['pull', file], there)).toMatchObject({ code: 0 });
  expect(await cli(['import', file], there)).toMatchObject({
    code: 1,
    err: expect.stringContaining('no complete tar archive'),
  });
});
