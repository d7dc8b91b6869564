import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeHub, startFakeHub } from '../../../model-cache/test/fake-hub.ts';
import { noise, sha256 } from '../../../model-cache/test/model.ts';
import { fetchFromHub, readFolder } from './convert-input.ts';

const COMMIT = 'c'.repeat(40);
const WEIGHTS = noise(50_000);
const CONFIG = Buffer.from('{"model_type":"llama"}');

let folder: string;
let hub: FakeHub;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'xim-input-'));
  hub = await startFakeHub({
    'org/whole': {
      commit: COMMIT,
      licence: 'apache-2.0',
      files: {
        'config.json': CONFIG,
        'model.safetensors': WEIGHTS,
        'model.fp32-00001-of-00002.safetensors': noise(100),
        'tokenizer.json': Buffer.from('{}'),
        'pytorch_model.bin': noise(100),
        'onnx/model.onnx': noise(100),
        'README.md': Buffer.from('x'),
      },
    },
    'org/pickle': { commit: COMMIT, files: { 'config.json': CONFIG, 'pytorch_model.bin': noise(100) } },
    'org/awq': {
      commit: COMMIT,
      files: {
        'config.json': Buffer.from('{"model_type":"llama","quantization_config":{"quant_method":"awq"}}'),
        'model.safetensors': WEIGHTS,
      },
    },
    'org/adapter': { commit: COMMIT, files: { 'adapter_config.json': CONFIG, 'adapter_model.safetensors': WEIGHTS } },
    'org/gguf': { commit: COMMIT, files: { 'tiny.gguf': noise(100) } },
  });
});
afterEach(async () => {
  await hub.close();
  rmSync(folder, { recursive: true });
});

const fetchOne = (repo: string) =>
  fetchFromHub(
    { repo, revision: 'main', path: undefined },
    { endpoint: hub.endpoint, token: undefined },
    { cacheDir: join(folder, 'cache'), python: 'python3', signal: undefined },
  );

test('of a repository, configuration, tokenizer and weights come, verified, and nothing else', async () => {
  const input = await fetchOne('org/whole');
  expect(input).toMatchObject({ name: `org/whole@${COMMIT}`, facts: { id: 'org/whole', licence: 'Apache-2.0' } });
  const expected = ['config.json', 'model.safetensors', 'tokenizer.json'];
  expect(readdirSync(input.folder).sort()).toEqual(expected);
  expect(input.files.map(({ path }) => path).sort()).toEqual(expected);
  expect(input.files.find(({ path }) => path === 'model.safetensors')!.sha256).toBe(sha256(WEIGHTS));
});

test('a repository that has its weights as a pickle only is not fetched', async () => {
  await expect(fetchOne('org/pickle')).rejects.toThrow(/pickle only.*hf download org\/pickle --local-dir/);
  await expect(fetchOne('org/gguf')).rejects.toThrow('expected config.json and model.safetensors, found tiny.gguf');
});

test('quantised weights and adapters are refused by name before anything is fetched', async () => {
  await expect(fetchOne('org/awq')).rejects.toThrow('org/awq has weights that are quantised by AWQ');
  await expect(fetchOne('org/adapter')).rejects.toThrow('org/adapter is a LoRA adapter of BASE');
  expect(existsSync(join(folder, 'cache'))).toBe(false);
});

test.each([
  ['config.json', '{"quantization_config":{"quant_method":"gptq","bits":3}}', 'quantised by GPTQ (3 bits)'],
  ['config.json', '{"quantization_config":{"quant_method":"awq","bits":4,"version":"gemv"}}', 'quantised by AWQ'],
  ['config.json', '{"quantization_config":{"quant_method":"mxfp4"}}', 'quantised by MXFP4'],
  ['config.json', '{"quantization_config":{"quant_method":"bitsandbytes"}}', 'quantised by bitsandbytes'],
  [
    'config.json',
    '{"text_config":{"quantization_config":{"quant_method":"compressed-tensors","format":"marlin-24"}}}',
    'compressed-tensors (marlin-24)',
  ],
  ['adapter_config.json', '{"base_model_name_or_path":"org/base"}', 'adapter of org/base and not a whole model; merge'],
])('of a folder with %s %s it is said what works', async (file, text, expected) => {
  const model = join(folder, 'model');
  mkdirSync(model);
  writeFileSync(join(model, 'config.json'), CONFIG);
  writeFileSync(join(model, 'model.safetensors'), WEIGHTS);
  writeFileSync(join(model, file), text);
  await expect(readFolder(model, undefined)).rejects.toThrow(expected);
});

test.each([
  { quant_method: 'fp8', weight_block_size: [128, 128] },
  { quant_method: 'gptq', bits: 4 },
  { quant_method: 'awq', bits: 4, version: 'gemm' },
  { quant_method: 'compressed-tensors', format: 'pack-quantized' },
])('weights in the form %j are read', async (quantisation) => {
  const model = join(folder, 'quantised');
  mkdirSync(model);
  writeFileSync(join(model, 'config.json'), JSON.stringify({ quantization_config: quantisation }));
  writeFileSync(join(model, 'model.safetensors'), WEIGHTS);
  expect((await readFolder(model, undefined)).files).toHaveLength(2);
});

test('a folder is read where it is; a pickle only where there is nothing better', async () => {
  const model = join(folder, 'my  model');
  mkdirSync(model);
  writeFileSync(join(model, 'config.json'), CONFIG);
  await expect(readFolder(model, undefined)).rejects.toThrow('expected config.json and model.safetensors');
  writeFileSync(join(model, 'pytorch_model.bin'), 'x');
  const pickled = await readFolder(model, undefined);
  expect(pickled.files.map(({ path }) => path)).toEqual(['config.json', 'pytorch_model.bin']);
  writeFileSync(join(model, 'model-00001-of-00001.safetensors'), WEIGHTS);
  const { facts, files, folder: where } = await readFolder(model, undefined);
  expect([facts.id, where]).toEqual(['local/my-model', model]);
  expect(files.map(({ path }) => path)).toEqual(['config.json', 'model-00001-of-00001.safetensors']);
  await expect(readFolder(join(folder, 'none'), undefined)).rejects.toThrow('there is no folder');
});
