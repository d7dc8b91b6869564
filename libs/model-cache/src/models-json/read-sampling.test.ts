import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LLAMA, makeGguf } from '../../test/gguf.ts';
import { makeFile, makeModel } from '../../test/model.ts';
import { readSampling } from './read-sampling.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xim-sampling-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The recommendations of a model with these files. */
function read(files: Readonly<Record<string, string | Buffer>>) {
  const made = Object.entries(files).map(([name, content]) => {
    writeFileSync(join(folder, name), content);
    return makeFile(name, Buffer.from(content), 'hf:org/name');
  });
  const model = makeModel(made, { task: 'generate' });
  return readSampling(model, { engine: 'oneapi', artifact: 'main', isa: [] }, folder);
}
const config = (values: object) => ({ 'generation_config.json': JSON.stringify(values) });

test('generation_config.json recommends by the names of Transformers', async () => {
  const values = { do_sample: true, temperature: 0.6, top_p: 0.95, top_k: 20, min_p: 0, repetition_penalty: 1.05 };
  expect(await read(config({ ...values, eos_token_id: 2 }))).toEqual({
    sampling: { temperature: 0.6, topP: 0.95, topK: 20, minP: 0, repetitionPenalty: 1.05 },
    ignored: [],
  });
});

test('do_sample: false is greedy, and its absence says nothing', async () => {
  expect((await read(config({ do_sample: false, temperature: 0.6, top_p: 0.9 }))).sampling).toEqual({ temperature: 0 });
  expect((await read(config({ eos_token_id: 2, top_k: null }))).sampling).toEqual({});
});

test('a value that no engine takes is left out and named', async () => {
  expect(await read(config({ temperature: -1, top_p: 0.9, top_k: 'all' }))).toEqual({
    sampling: { topP: 0.9 },
    ignored: ['generation_config.json: temperature = -1', 'generation_config.json: topK = "all"'],
  });
  expect((await read({ 'generation_config.json': '{' })).ignored).toEqual([
    'generation_config.json: the whole file, which is no JSON',
  ]);
});

test('a GGUF header recommends where there is no generation_config.json', async () => {
  const keys = { 'general.sampling.temp': 0.2, 'general.sampling.top_k': 40, 'general.sampling.penalty_repeat': 1.1 };
  const { 'general.architecture': architecture, ...rest } = LLAMA;
  const gguf = makeGguf({ 'general.architecture': architecture, ...keys, ...rest });
  expect((await read({ 'a.gguf': gguf })).sampling).toEqual({ temperature: 0.2, topK: 40, repetitionPenalty: 1.1 });
  expect((await read({ 'a.gguf': gguf, ...config({ top_p: 0.5 }) })).sampling).toEqual({ topP: 0.5 });
});

test('files without a recommendation give none', async () => {
  expect(await read({ 'a.gguf': makeGguf(LLAMA) })).toEqual({ sampling: {}, ignored: [] });
  expect(await read({ 'model.bin': 'x' })).toEqual({ sampling: {}, ignored: [] });
});
