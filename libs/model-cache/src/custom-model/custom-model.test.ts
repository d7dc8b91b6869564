import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ModelEntry } from '@xim/engine';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type FakeHub, startFakeHub } from '../../test/fake-hub.ts';
import { LLAMA, makeGguf } from '../../test/gguf.ts';
import { impatient } from '../../test/impatient.ts';
import { makeFile, makeModel, noise, sha256 } from '../../test/model.ts';
import { fetchArtifact } from '../cache/fetch-artifact.ts';
import { readGguf } from '../formats/gguf.ts';
import type { CustomModelOptions } from './custom-model-options.ts';
import { resolveCustomModel } from './custom-model.ts';
import { needsConversion } from './needs-conversion.ts';

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
    'org/safe': { commit: COMMIT, files: { 'config.json': Buffer.from('{}'), 'model.safetensors': noise(100) } },
    'org/other': { commit: COMMIT, files: { 'README.md': Buffer.from('x') } },
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
  const experts = { num_local_experts: 4, num_experts_per_tok: 2, intermediate_size: 1536 };
  const config = { max_position_embeddings: 8192, num_hidden_layers: 30, num_attention_heads: 9, ...experts };
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
  expect(model).toMatchObject({ id: 'local/Tiny-IR', shape: { ...SHAPE, activeShare: 0.538 } });
  expect(model.profiles).toEqual([
    { engine: 'oneapi', artifact: 'own', isa: ['avx2'], options: { prefixCache: false } },
  ]);
  const snapshot = await fetchOwn(model, true);
  // OpenVINO's own tokenizers are not read.
  expect(readdirSync(snapshot).sort()).toEqual(['config.json', 'openvino_model.bin', 'openvino_model.xml']);
  const [gguf] = engines;
  expect(await refusal(resolveModel(ir, { engines: [gguf!], offline: true }))).toContain(
    'is OpenVINO IR, which no engine of this service loads (llama loads gguf:q4_0)',
  );
});

test.each([
  [
    'nothing',
    [],
    'holds no model that is served here: expected a GGUF file or OpenVINO IR or a model of xFasterTransformer; it has: nothing',
  ],
  ['several', ['a.gguf', 'b.gguf'], 'holds several GGUF files and none in'],
  ['OpenVINO IR', ['openvino_model.xml', 'openvino_model.bin'], 'has no config.json that tells layers'],
  [
    'safetensors',
    ['config.json', 'model.safetensors'],
    'safetensors, which are converted first: npx xim-models convert',
  ],
])('says of a folder with %s what was expected', async (_, files, expected) => {
  const models = join(folder, 'models');
  mkdirSync(models);
  for (const file of files) writeFileSync(join(models, file), 'x');
  expect(await refusal(resolveModel(models))).toContain(expected);
});

test('says what else cannot be served', async () => {
  expect(await refusal(resolveModel('tiny'))).toContain('expected org/name, org/name@revision, org/name#file');
  expect(await refusal(resolveModel('/none.gguf'))).toContain('there is no such file or folder (/none.gguf)');
  expect(await refusal(resolveModel('org/safe'))).toContain('org/safe holds safetensors, which are converted first');
  expect(await refusal(resolveModel('org/none'))).toContain('org/none is not on the hub');
  expect(await refusal(resolveModel('org/other'))).toContain('org/other holds no model that is served here');
  const shipped = { ...SHIPPED, task: 'embed' as const };
  expect(await refusal(resolveModel('org/tiny-GGUF', { shipped }))).toContain(
    'holds no model that is served here: expected OpenVINO IR or an ONNX file; it has: tiny.Q8_0.gguf',
  );
  const engines = [{ name: 'xft', formats: ['xft'] }];
  expect(await refusal(resolveModel('org/tiny-GGUF', { shipped, engines }))).toContain(
    'cannot be served here: a model for the task embed is OpenVINO IR or an ONNX file or safetensors',
  );
});

const read = (bytes: Buffer) =>
  readGguf((offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)), 'tiny.gguf');

test.each([
  ['heads per layer', { 'llama.attention.head_count_kv': [2, 8, 4] }, { ...SHAPE, kvHeads: 8 }],
  ['a width of keys of its own', { 'llama.attention.key_length': 128 }, { ...SHAPE, headDim: 128 }],
  [
    'experts',
    { 'llama.expert_count': 8, 'llama.expert_used_count': 2, 'llama.feed_forward_length': 1536 },
    { ...SHAPE, activeShare: 0.28 },
  ],
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

const BERT = { max_position_embeddings: 512, num_hidden_layers: 6, hidden_size: 384 };
const ENCODER: Readonly<Record<string, Buffer>> = {
  'README.md': noise(20),
  '1_Pooling/config.json': Buffer.from('{"pooling_mode": "cls"}'),
  '2_Dense/config.json': Buffer.from('{"out_features": 128}'),
  '2_Dense/model.safetensors': noise(30),
  'config.json': Buffer.from(JSON.stringify(BERT)),
  'model.safetensors': noise(100),
  'onnx/model.onnx': noise(300),
  'onnx/model_qint8_avx512.onnx': noise(200),
  'openvino/openvino_model.bin': noise(400),
  'openvino/openvino_model.xml': Buffer.from('<net/>'),
  'sentence_bert_config.json': Buffer.from('{"max_seq_length": 256}'),
  'tokenizer.json': Buffer.from('{"model": {}}'),
};
const EMBED: ModelEntry = {
  ...SHIPPED,
  task: 'embed',
  aliases: ['text-embedding-3-small'],
  profiles: [
    { engine: 'oneapi', artifact: 'main', isa: ['avx2'], options: { pooling: 'mean', normalize: true, streams: 1 } },
  ],
};
const BESIDE = ['1_Pooling/config.json', '2_Dense/config.json', '2_Dense/model.safetensors', 'config.json'];

describe('a model for embeddings', () => {
  beforeEach(async () => {
    await hub.close();
    hub = await startFakeHub({
      'org/bert': { commit: COMMIT, files: ENCODER },
      'org/t5': {
        commit: COMMIT,
        files: {
          'config.json': Buffer.from(JSON.stringify({ n_positions: 512, num_layers: 12, d_model: 768 })),
          'onnx/model.onnx': noise(300),
          'tokenizer.json': ENCODER['tokenizer.json']!,
        },
      },
      'org/nomic': {
        commit: COMMIT,
        files: {
          'config.json': Buffer.from(
            JSON.stringify({ n_positions: 8192, max_trained_positions: 2048, n_layer: 12, n_embd: 768 }),
          ),
          'onnx/model.onnx': noise(300),
          'tokenizer.json': ENCODER['tokenizer.json']!,
        },
      },
    });
  });

  test('reads as many tokens as it was trained on', async () => {
    const { shape } = await resolveModel('org/nomic', { shipped: EMBED });
    expect(shape).toEqual({ contextLength: 2048, layers: 12, dimensions: 768 });
  });

  test('may name its sizes as T5 does', async () => {
    const { shape } = await resolveModel('org/t5', { shipped: EMBED });
    expect(shape).toEqual({ contextLength: 512, layers: 12, dimensions: 768 });
  });

  test('is served from the hub in full precision, with what belongs to it and without options of another model', async () => {
    const model = await resolveModel('org/bert', { shipped: EMBED });
    expect(model).toMatchObject({
      id: 'org/bert',
      task: 'embed',
      aliases: ['text-embedding-3-small'],
      shape: { contextLength: 256, layers: 6, dimensions: 128 },
      profiles: [{ engine: 'oneapi', artifact: 'own', isa: ['avx2'], options: { streams: 1 } }],
    });
    const names = [
      ...BESIDE,
      'openvino_model.bin',
      'openvino_model.xml',
      'sentence_bert_config.json',
      'tokenizer.json',
    ];
    expect(model.artifacts['own']!.files.map(({ path }) => path).sort()).toEqual(names);
    const served = await fetchOwn(model);
    expect(readFileSync(join(served, 'openvino_model.bin'))).toEqual(ENCODER['openvino/openvino_model.bin']);
    expect(readFileSync(join(served, '2_Dense/model.safetensors'))).toEqual(ENCODER['2_Dense/model.safetensors']);
    const before = hub.requests.length;
    expect(await resolveModel('org/bert', { shipped: EMBED, offline: true })).toEqual(model);
    expect(hub.requests).toHaveLength(before);
  });

  test('is served for reranking without the options of another model', async () => {
    const { engine, artifact, isa } = EMBED.profiles[0]!;
    const options = { scoring: 'similarity', pooling: 'mean', streams: 1 };
    const shipped = { ...EMBED, task: 'rerank' as const, profiles: [{ engine, artifact, isa, options }] };
    const model = await resolveModel('org/bert', { shipped });
    expect(model).toMatchObject({ task: 'rerank', shape: { contextLength: 256 } });
    expect(model.profiles.map((profile) => profile.options)).toEqual([{ streams: 1 }]);
    expect(model.artifacts['own']!.files.map(({ path }) => path)).toContain('config.json');
  });

  test('is served from the file that is named', async () => {
    const model = await resolveModel('org/bert#onnx/model_qint8_avx512.onnx', { shipped: EMBED });
    const graph = model.artifacts['own']!.files[0]!;
    expect(graph).toMatchObject({
      path: 'model_qint8_avx512.onnx',
      sources: [`hf:org/bert@${COMMIT}#onnx/model_qint8_avx512.onnx`],
    });
    expect(readFileSync(join(await fetchOwn(model), graph.path))).toEqual(ENCODER['onnx/model_qint8_avx512.onnx']);
    expect(await refusal(resolveModel('org/bert#onnx/none.onnx', { shipped: EMBED }))).toContain(
      'org/bert has no onnx/none.onnx',
    );
  });

  test('is served from a folder, and refused where its limit is unknown or only safetensors are there', async () => {
    const path = join(folder, 'My model');
    for (const [name, content] of Object.entries(ENCODER)) {
      mkdirSync(dirname(join(path, name)), { recursive: true });
      writeFileSync(join(path, name), content);
    }
    const own = { shipped: EMBED, offline: true };
    const model = await resolveModel(path, own);
    expect(model).toMatchObject({ id: 'local/My-model', shape: { contextLength: 256, dimensions: 128 } });
    const served = await fetchOwn(model, true);
    expect(realpathSync(join(served, 'openvino_model.bin'))).toBe(
      realpathSync(join(path, 'openvino/openvino_model.bin')),
    );
    expect(readFileSync(join(served, '1_Pooling/config.json'))).toEqual(ENCODER['1_Pooling/config.json']);

    rmSync(join(path, 'openvino'), { recursive: true });
    rmSync(join(path, 'onnx'), { recursive: true });
    expect(await refusal(resolveModel(path, own))).toContain(
      'holds safetensors, which are converted first: npx xim-models convert models.json --task embed --from',
    );
    writeFileSync(join(path, 'model.onnx'), noise(10));
    rmSync(join(path, 'sentence_bert_config.json'));
    writeFileSync(join(path, 'config.json'), '{"hidden_size": 384}');
    expect(await refusal(resolveModel(path, own))).toContain('does not tell how many tokens the model reads');
  });
});

describe('models that hear, speak and draw', () => {
  const write = (name: string, names: readonly string[]): string => {
    for (const each of names) {
      mkdirSync(dirname(join(folder, name, each)), { recursive: true });
      writeFileSync(join(folder, name, each), each.endsWith('.json') ? '{"_class_name": "Pipeline"}' : noise(20));
    }
    return join(folder, name);
  };
  const own = (text: string, task: ModelEntry['task'], format: string, more: Partial<ModelEntry> = {}) =>
    resolveModel(text, {
      shipped: { ...SHIPPED, task, ...more },
      engines: [{ name: 'oneapi', formats: [format] }],
      offline: true,
    });
  const pathsOf = (model: ModelEntry) => model.artifacts['own']!.files.map(({ path }) => path);

  test('a folder of CTranslate2', async () => {
    const names = ['config.json', 'model.bin', 'tokenizer.json', 'vocabulary.json'];
    const model = await own(write('whisper', [...names, 'README.md']), 'transcribe', 'ctranslate2');
    expect(pathsOf(model)).toEqual(names);
    expect(model.shape).toEqual({});
  });

  test('a Whisper model in OpenVINO IR, with both of its graphs', async () => {
    const graphs = ['encoder', 'decoder'].flatMap((part) => [
      `openvino_${part}_model.bin`,
      `openvino_${part}_model.xml`,
    ]);
    const names = ['config.json', 'generation_config.json', ...graphs, 'preprocessor_config.json', 'tokenizer.json'];
    const more = ['openvino_decoder_with_past_model.xml', 'openvino_tokenizer.xml', 'special_tokens_map.json'];
    const model = await own(write('whisper-ov', [...names, ...more]), 'transcribe', 'openvino-ir');
    expect(pathsOf(model).sort()).toEqual([...names].sort());
    const without = names.filter((name) => name !== 'openvino_decoder_model.bin');
    expect(await refusal(own(write('half', without), 'transcribe', 'openvino-ir'))).toContain(
      'has no openvino_decoder_model.bin; a Whisper model in OpenVINO IR is openvino_encoder_model.xml',
    );
  });

  test('a Whisper model in safetensors is converted first', async () => {
    const folder = write('published', ['config.json', 'model.safetensors', 'tokenizer.json', 'generation_config.json']);
    const words = `npx xim-models convert models.json --task transcribe --from ${folder}`;
    expect(await refusal(own(folder, 'transcribe', 'ctranslate2'))).toContain(words);
    const hub = { endpoint: 'http://127.0.0.1:9', token: undefined };
    const options = { task: 'transcribe', cacheDir: folder, hub, offline: true, signal: undefined } as const;
    expect(await needsConversion({ text: folder, ...options })).toBe(true);
    expect(await needsConversion({ text: folder, ...options, task: 'rerank' })).toBe(true);
    expect(await needsConversion({ text: folder, ...options, task: 'speak' })).toBe(false);
    expect(await needsConversion({ text: write('made', ['config.json', 'model.bin']), ...options })).toBe(false);
  });

  test('a voice of piper, which the names of other voices then mean', async () => {
    const voice = write('voices', ['en/amy.onnx', 'en/amy.onnx.json']);
    const aliases = { voiceAliases: { alloy: 'joe', nova: 'joe' } };
    const model = await own(voice, 'speak', 'onnx', aliases);
    expect(pathsOf(model)).toEqual(['amy.onnx', 'amy.onnx.json']);
    expect(model.voiceAliases).toEqual({ alloy: 'amy', nova: 'amy' });
    expect(model.profiles[0]!.options).toMatchObject({ voices: ['amy'] });
    write('voices', ['en/bob.onnx', 'en/bob.onnx.json']);
    expect(await refusal(own(voice, 'speak', 'onnx'))).toContain('holds 2 voices; name one, such as');
    expect((await own(join(voice, 'en/bob.onnx'), 'speak', 'onnx')).id).toBe('local/bob');
  });

  test('the voices of Kokoro that can speak here, each under the name of OpenAI that it has', async () => {
    const voices = ['af_heart', 'af_nova', 'bm_george', 'jf_alpha', 'zm_yunxi'];
    const graphs = ['onnx/model.onnx', 'model_q4.onnx'];
    const names = ['config.json', 'tokenizer.json', ...graphs, ...voices.map((voice) => `voices/${voice}.bin`)];
    const kokoro = write('kokoro', names);
    const aliases = { voiceAliases: { alloy: 'joe', nova: 'joe' } };
    const model = await own(kokoro, 'speak', 'onnx', aliases);
    const spoken = voices.slice(0, 3);
    const kept = ['tokenizer.json', ...spoken.map((voice) => `voices/${voice}.bin`)];
    expect(pathsOf(model)).toEqual(['model.onnx', ...kept]);
    expect(model.profiles[0]!.options).toMatchObject({ voices: spoken });
    expect(model.voiceAliases).toEqual({ alloy: 'af_heart', nova: 'af_nova' });
    expect(pathsOf(await own(join(kokoro, 'model_q4.onnx'), 'speak', 'onnx'))).toEqual(['model_q4.onnx', ...kept]);
  });

  test('a pipeline of diffusers, in the variant fp16 where a part has no other weights', async () => {
    const parts = ['unet/config.json', 'vae/config.json', 'tokenizer/vocab.json', 'tokenizer/merges.txt'];
    const weights = ['unet/diffusion_pytorch_model.fp16.safetensors', 'vae/diffusion_pytorch_model.safetensors'];
    const more = [
      'vae/diffusion_pytorch_model.fp16.safetensors',
      'unet/diffusion_pytorch_model.bin',
      'all.safetensors',
    ];
    const pipeline = write('sd', ['model_index.json', ...parts, ...weights, ...more]);
    const model = await own(pipeline, 'generateImage', 'safetensors');
    expect(pathsOf(model).sort()).toEqual(
      ['model_index.json', ...parts, weights[0]!.replace('.fp16', ''), weights[1]!].sort(),
    );
    const [unet] = model.artifacts['own']!.files.filter(({ path }) => path.startsWith('unet/diffusion'));
    expect(unet!.sources).toEqual([`file:${join(pipeline, weights[0]!)}`]);
  });
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

test('a folder of DeepSeek is computed in the dtype of its files, with keys and values in bf16', async () => {
  const path = writeXft(join(folder, 'deep'), { weight_data_type: 'fp8_e4m3', attn_params_type: 'MLAttnParams' });
  expect(await resolveModel(path)).toMatchObject({
    profiles: [{ engine: 'xft', options: { weights: 'fp8_e4m3', dtype: 'fp8_e4m3', kvDtype: 'bf16' } }],
  });
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
