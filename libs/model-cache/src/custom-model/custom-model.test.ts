import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelEntry } from '@xim/engine';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type FakeHub, startFakeHub } from '../../test/fake-hub.ts';
import { LLAMA, makeGguf } from '../../test/gguf.ts';
import { impatient } from '../../test/impatient.ts';
import { makeFile, makeModel, noise, sha256 } from '../../test/model.ts';
import { fetchArtifact } from '../cache/fetch-artifact.ts';
import { readGguf } from '../formats/gguf.ts';
import type { CustomModelOptions } from './custom-model-options.ts';
import { resolveCustomModel } from './custom-model.ts';

vi.setConfig({ testTimeout: 120_000 });

const COMMIT = 'c'.repeat(40);
const V1 = 'd'.repeat(40);
const GGUF = Buffer.concat([makeGguf(LLAMA), noise(200_000)]);
const SHAPE = { contextLength: 8192, layers: 30, kvHeads: 3, headDim: 64 };
/** A service's own entry: one engine takes GGUF, another something else. */
const SHIPPED: ModelEntry = {
  ...makeModel([makeFile('own.gguf', noise(10), 'hf:org/own')], { task: 'generate', aliases: ['gpt-4o-mini'] }),
  profiles: [
    { engine: 'oneapi', artifact: 'main', isa: ['avx2'], options: { prefixCache: false }, verified: ['avx2'] },
    { engine: 'xft', isa: ['avx512f'] },
  ],
};

let folder: string;
let cacheDir: string;
let hub: FakeHub;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'xim-own-'));
  cacheDir = join(folder, 'cache');
  hub = await startFakeHub({
    'org/tiny-GGUF': {
      commit: COMMIT,
      refs: { v1: V1 },
      licence: 'llama3.2',
      files: { 'tiny.Q8_0.gguf': noise(100), 'tiny.Q4_K_M.gguf': GGUF, 'README.md': Buffer.from('x') },
    },
    'org/safe': { commit: COMMIT, files: { 'model.safetensors': noise(100) } },
  });
});
afterEach(async () => {
  await hub.close();
  rmSync(folder, { recursive: true });
});

function resolveModel(text: string, more: Partial<CustomModelOptions> = {}): Promise<ModelEntry> {
  const engines = [
    { name: 'xft', formats: ['xft'] },
    { name: 'oneapi', formats: ['gguf', 'openvino-ir', 'onnx'] },
  ];
  const options = {
    shipped: SHIPPED,
    engines,
    cacheDir,
    hub: { endpoint: hub.endpoint, token: undefined, network: impatient },
    offline: false,
  };
  return resolveCustomModel({ text, ...options, ...more });
}

const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing was refused',
    (error: Error) => error.message,
  );

const fetchOwn = (model: ModelEntry, offline = false): Promise<string> =>
  fetchArtifact({
    model,
    artifact: 'own',
    cacheDir,
    python: 'python3',
    offline,
    hub: { endpoint: hub.endpoint, token: undefined, network: impatient },
  });

test('a name on the hub becomes an entry: its commit, licence and shape, the service’s task, aliases and profiles', async () => {
  const model = await resolveModel('org/tiny-GGUF');
  expect(model).toEqual({
    id: 'org/tiny-GGUF',
    revision: COMMIT,
    licence: 'LicenseRef-llama3.2',
    created: 1730419200,
    task: 'generate',
    aliases: ['gpt-4o-mini'],
    shape: SHAPE,
    artifacts: {
      own: { files: [makeFile('tiny.Q4_K_M.gguf', GGUF, `hf:org/tiny-GGUF@${COMMIT}`)] },
    },
    profiles: [{ engine: 'oneapi', artifact: 'own', isa: ['avx2'], options: { prefixCache: false } }],
  });
  // The header is all that was read so far.
  expect(hub.cdn.requests.map(({ path }) => path)).toEqual([`/${sha256(GGUF)}`]);
  const path = join(await fetchOwn(model), 'tiny.Q4_K_M.gguf');
  expect(path).toContain(`snapshots/${COMMIT}/`);
  expect(readFileSync(path).equals(GGUF)).toBe(true);
});

const PARTS = [1, 2, 3].map((number) => `big-Q8_0-0000${number}-of-00003.gguf`);
const CONTENTS = [Buffer.concat([makeGguf(LLAMA), noise(5000)]), noise(300), noise(200)];

test('a split file on the hub is named by any part, or chosen, and all parts are fetched', async () => {
  await hub.close();
  const files = Object.fromEntries(PARTS.map((name, i) => [name, CONTENTS[i]!]));
  hub = await startFakeHub({ 'org/big-GGUF': { commit: COMMIT, files } });
  const model = await resolveModel('org/big-GGUF');
  const expected = PARTS.map((name, i) => makeFile(name, CONTENTS[i]!, `hf:org/big-GGUF@${COMMIT}`));
  expect(model.artifacts['own']!.files).toEqual(expected);
  expect(model.shape).toEqual(SHAPE);
  for (const part of PARTS) {
    expect((await resolveModel(`org/big-GGUF#${part}`)).artifacts['own']!.files).toEqual(expected);
  }
  const folder = await fetchOwn(model);
  expect(PARTS.map((name) => readFileSync(join(folder, name)))).toEqual(CONTENTS);
  rmSync(join(cacheDir, 'models--org--big-GGUF/.xim'), { recursive: true });
  const offline = await resolveModel(`org/big-GGUF@${COMMIT}#${PARTS[1]}`, { offline: true });
  expect(offline.artifacts['own']!.files).toEqual(expected);
});

test('a split file of this machine is named by any part or its folder; a missing part is named', async () => {
  for (const [i, name] of PARTS.entries()) writeFileSync(join(folder, name), CONTENTS[i]!);
  for (const text of [...PARTS.map((name) => join(folder, name)), folder]) {
    const { id, shape, artifacts } = await resolveModel(text);
    expect([id, shape]).toEqual(['local/big-Q8_0', SHAPE]);
    expect(artifacts['own']!.files.map(({ path }) => path)).toEqual(PARTS);
  }
  rmSync(join(folder, PARTS[0]!));
  expect(await refusal(resolveModel(join(folder, PARTS[1]!)))).toContain(
    `is one of 3 parts, and ${PARTS[0]} is not beside it`,
  );
});

test('later starts ask nobody, offline or not, and serve the same commit', async () => {
  const model = await resolveModel('org/tiny-GGUF@main#tiny.Q4_K_M.gguf');
  await fetchOwn(model);
  const before = hub.requests.length;
  expect(await resolveModel('org/tiny-GGUF@main#tiny.Q4_K_M.gguf')).toEqual(model);
  expect(await resolveModel('org/tiny-GGUF#tiny.Q4_K_M.gguf', { offline: true })).toEqual(model);
  await fetchOwn(model, true);
  expect(hub.requests).toHaveLength(before);
});

test('a pinned revision stays what it is: offline the branch main is unknown, and what is there is named', async () => {
  const pinned = await resolveModel('org/tiny-GGUF@v1');
  expect(pinned.revision).toBe(V1);
  await fetchOwn(pinned);
  const refs = join(cacheDir, 'models--org--tiny-GGUF/refs');
  expect(readdirSync(refs)).toEqual(['v1']);
  expect(readFileSync(join(refs, 'v1'), 'utf8')).toBe(V1);
  const message = await refusal(resolveModel('org/tiny-GGUF', { offline: true }));
  expect(message).toContain('is not in the model cache');
  expect(message).toContain(
    `at the revision main, and XIM_OFFLINE forbids to fetch it. The cache has the revisions ${V1}, v1;`,
  );
  expect(await resolveModel('org/tiny-GGUF@v1', { offline: true })).toEqual(pinned);
  // By the reference alone too, as other tools leave it.
  rmSync(join(cacheDir, 'models--org--tiny-GGUF/.xim'), { recursive: true });
  expect((await resolveModel('org/tiny-GGUF@v1', { offline: true })).revision).toBe(V1);
  expect((await resolveModel(`org/tiny-GGUF@${V1}`, { offline: true })).revision).toBe(V1);

  // With a network main is asked for, and is then another commit.
  expect((await resolveModel('org/tiny-GGUF')).revision).toBe(COMMIT);
  expect(readFileSync(join(refs, 'main'), 'utf8')).toBe(COMMIT);
});

test('a commit that was asked for gets no reference, and one of other tools stays', async () => {
  const root = join(cacheDir, 'models--org--tiny-GGUF');
  await resolveModel(`org/tiny-GGUF@${COMMIT}`);
  expect(readdirSync(root)).toEqual(['.xim']);
  mkdirSync(join(root, 'refs'));
  writeFileSync(join(root, 'refs/main'), V1);
  await resolveModel('org/tiny-GGUF');
  expect(readFileSync(join(root, 'refs/main'), 'utf8')).toBe(V1);
});

test('offline, what the hub’s own tools left is taken; else the command that brings it is named', async () => {
  expect(await refusal(resolveModel('org/tiny-GGUF', { offline: true }))).toContain(
    `hf download org/tiny-GGUF --include '*Q4_K_M.gguf' --cache-dir ${cacheDir}`,
  );
  expect(hub.requests).toEqual([]);
  const root = join(cacheDir, 'models--org--tiny-GGUF');
  mkdirSync(join(root, 'refs'), { recursive: true });
  mkdirSync(join(root, 'snapshots', COMMIT), { recursive: true });
  writeFileSync(join(root, 'refs/main'), COMMIT);
  writeFileSync(join(root, 'snapshots', COMMIT, 'tiny.Q4_K_M.gguf'), GGUF);
  const model = await resolveModel('org/tiny-GGUF', { offline: true });
  expect(model).toMatchObject({ revision: COMMIT, shape: SHAPE });
  expect(readFileSync(join(await fetchOwn(model, true), 'tiny.Q4_K_M.gguf')).equals(GGUF)).toBe(true);
});

test.each(['file', 'folder'])('a %s of this machine is served where it lies', async (kind) => {
  const path = join(folder, 'My model (v1).Q4_0.gguf');
  writeFileSync(path, GGUF);
  const model = await resolveModel(kind === 'file' ? path : folder, { offline: true });
  expect(model).toMatchObject({ id: 'local/My-model-v1-.Q4_0', shape: SHAPE, licence: 'LicenseRef-unstated' });
  const snapshot = await fetchOwn(model, true);
  expect(realpathSync(join(snapshot, 'My model (v1).Q4_0.gguf'))).toBe(realpathSync(path));

  // Another content under the same name is another model.
  writeFileSync(path, Buffer.concat([makeGguf({ ...LLAMA, 'llama.block_count': 12 }), noise(10)]));
  const changed = await resolveModel(path);
  expect(changed.shape.layers).toBe(12);
  expect(await fetchOwn(changed, true)).not.toBe(snapshot);
});

test('a folder with OpenVINO IR is served where it lies, for the engine that reads it', async () => {
  const ir = join(folder, 'Tiny IR');
  mkdirSync(ir);
  const config = { max_position_embeddings: 8192, num_hidden_layers: 30, num_attention_heads: 9 };
  const contents = {
    'config.json': JSON.stringify({ ...config, num_key_value_heads: 3, hidden_size: 576 }),
    'openvino_model.bin': 'weights',
    'openvino_model.xml': '<net/>',
    'openvino_tokenizer.xml': '<net/>',
  };
  for (const [name, text] of Object.entries(contents)) writeFileSync(join(ir, name), text);
  const engines = [
    { name: 'llama', formats: ['gguf:q4_0'] },
    { name: 'oneapi', formats: ['gguf', 'openvino-ir'] },
  ];
  const model = await resolveModel(ir, { engines, offline: true });
  expect(model).toMatchObject({ id: 'local/Tiny-IR', shape: SHAPE });
  expect(model.profiles).toEqual([
    { engine: 'oneapi', artifact: 'own', isa: ['avx2'], options: { prefixCache: false } },
  ]);
  const snapshot = await fetchOwn(model, true);
  expect(readdirSync(snapshot).sort()).toEqual(Object.keys(contents));
  const [gguf] = engines;
  expect(await refusal(resolveModel(ir, { engines: [gguf!], offline: true }))).toContain(
    'is OpenVINO IR, which no engine of this service loads (llama loads gguf:q4_0)',
  );
});

test.each([
  ['nothing', [], 'the folder holds neither a GGUF file nor openvino_model.xml nor config.ini (it has: nothing)'],
  ['several', ['a.gguf', 'b.gguf'], 'the folder holds several GGUF files (a.gguf, b.gguf); name one'],
  ['OpenVINO IR', ['openvino_model.xml', 'openvino_model.bin'], 'the folder has no config.json that tells layers'],
  ['safetensors', ['model.safetensors'], 'safetensors, which are converted first: npx xim-models convert'],
])('says of a folder with %s what was expected', async (_, files, expected) => {
  const models = join(folder, 'models');
  mkdirSync(models);
  for (const file of files) writeFileSync(join(models, file), 'x');
  expect(await refusal(resolveModel(models))).toContain(expected);
});

test('says what else cannot be served', async () => {
  expect(await refusal(resolveModel('tiny'))).toContain('expected org/name, org/name@revision, org/name#file.gguf');
  expect(await refusal(resolveModel('/none.gguf'))).toContain('there is no such file or folder (/none.gguf)');
  expect(await refusal(resolveModel('org/safe'))).toContain('org/safe holds no GGUF file; expected a repository');
  expect(await refusal(resolveModel('org/none'))).toContain('org/none is not on the hub');
  const onnx = { ...SHIPPED, task: 'embed' as const, profiles: [SHIPPED.profiles[1]!] };
  expect(await refusal(resolveModel('org/tiny-GGUF', { shipped: onnx }))).toContain(
    'engines take none for the task embed',
  );
});

const read = (bytes: Buffer) =>
  readGguf((offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)), 'tiny.gguf');

test.each([
  ['heads per layer', { 'llama.attention.head_count_kv': [2, 8, 4] }, { ...SHAPE, kvHeads: 8 }],
  ['a width of keys of its own', { 'llama.attention.key_length': 128 }, { ...SHAPE, headDim: 128 }],
])('reads a header with %s', async (_, keys, shape) => {
  const { 'tokenizer.ggml.tokens': tokens, ...model } = LLAMA;
  expect(await read(makeGguf({ ...model, ...keys, 'tokenizer.ggml.tokens': tokens }))).toEqual({
    architecture: 'llama',
    shape,
    sampling: {},
  });
});

test('does not read the tokenizer’s part of a header', async () => {
  const header = makeGguf({
    ...LLAMA,
    'tokenizer.ggml.tokens': Array.from({ length: 50_000 }, (_, i) => `token ${i}`),
  });
  let most = 0;
  const readAt = (offset: number, length: number): Promise<Buffer> => {
    most = Math.max(most, offset + length);
    return Promise.resolve(header.subarray(offset, offset + length));
  };
  expect((await readGguf(readAt, 'tiny.gguf')).shape).toEqual(SHAPE);
  expect(most).toBeLessThan(header.length / 2);
});

test.each([
  ['something else', Buffer.from('PK\u0003\u0004 and more'), 'it does not begin with "GGUF"'],
  ['another version', Buffer.concat([Buffer.from('GGUF'), Buffer.from([1, 0, 0, 0])]), 'it has version 1'],
  ['a cut header', makeGguf(LLAMA).subarray(0, 60), 'it ends within its header'],
  ['no context length', makeGguf({ 'general.architecture': 'llama' }), 'does not tell llama.context_length'],
  ['a length beyond belief', Buffer.concat([makeGguf({}).subarray(0, 16), Buffer.alloc(8, 0xff)]), 'not believable'],
])('refuses %s', async (_, bytes, expected) => {
  expect(await refusal(read(bytes))).toContain(expected);
});

const writeXft = (path: string, lines: Readonly<Record<string, string>> = {}): string => {
  const values = { head_num: '9', kv_head_num: '3', size_per_head: '64', num_layer: '30', max_pos_seq_len: '8192' };
  const section = Object.entries({ ...values, weight_data_type: 'fp32', ...lines });
  mkdirSync(path, { recursive: true });
  writeFileSync(
    join(path, 'config.ini'),
    `[llama]\n${section.map(([name, value]) => `${name} = ${value}\n`).join('')}`,
  );
  for (const name of ['model.wte.bin', 'model.final_layernorm.weight.bin', 'tokenizer.json'])
    writeFileSync(join(path, name), noise(50));
  return path;
};

test('a folder of xFasterTransformer is taken by its engine alone, with the dtype of its files', async () => {
  const model = await resolveModel(writeXft(join(folder, 'mine')));
  expect(model).toMatchObject({
    id: 'local/mine',
    shape: SHAPE,
    profiles: [{ engine: 'xft', artifact: 'own', isa: ['avx512f'], options: { weights: 'fp32' } }],
  });
  expect(model.artifacts['own']!.files.map(({ path }) => path)).toEqual([
    ...['config.ini', 'model.final_layernorm.weight.bin', 'model.wte.bin', 'tokenizer.json'],
  ]);
  expect(readdirSync(await fetchOwn(model, true))).toContain('model.wte.bin');
});

test('a folder of xFasterTransformer is refused where no engine loads it, and where its config.ini lacks a number', async () => {
  const path = writeXft(join(folder, 'mine'));
  const engines = [{ name: 'oneapi', formats: ['gguf'] }];
  expect(await refusal(resolveModel(path, { engines }))).toContain(
    'is a model of xFasterTransformer, which no engine of this service loads (oneapi loads gguf)',
  );
  writeXft(path, { num_layer: 'none' });
  expect(await refusal(resolveModel(path))).toContain('config.ini has no num_layer; convert the model again');
});
