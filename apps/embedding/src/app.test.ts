import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runConformance } from '@xim/conformance';
import { fetchArtifact, readModels } from '@xim/model-cache';
import type { XimServer } from '@xim/server';
import { openService } from '@xim/server/testing';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import app from './app.ts';

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * (b[i] ?? NaN), 0);

/** The service as it is shipped, on its real model, through the official client. */
describe('embedding', { timeout: 300_000 }, () => {
  let server: XimServer;
  let client: OpenAI;
  let baseUrl: string;

  beforeAll(async () => {
    const opened = await openService(app);
    server = opened.server;
    baseUrl = `${opened.origin}/v1`;
    client = new OpenAI({ baseURL: baseUrl, apiKey: 'unused', maxRetries: 0 });
  }, 300_000);
  afterAll(() => server.close());

  const embed = async (input: string | string[] | number[] | number[][], more: { dimensions?: number } = {}) =>
    (await client.embeddings.create({ model: 'text-embedding-3-small', input, ...more })).data.map(
      (row) => row.embedding,
    );

  it('puts texts of one meaning close together', async () => {
    const [boat, ship, tax] = await embed([
      'The boat left the harbour at dawn.',
      'At sunrise the ship sailed out of the port.',
      'Income tax returns are due in April.',
    ]);
    expect(boat).toHaveLength(384);
    expect(dot(boat!, boat!)).toBeCloseTo(1, 4);
    // Measured with the fp32 model: paraphrases 0.5 and above, unrelated texts below 0.1.
    expect(dot(boat!, ship!)).toBeGreaterThan(0.5);
    expect(dot(boat!, tax!)).toBeLessThan(0.1);
  });

  it('gives a text the same vector alone, in a batch, and among other clients', async () => {
    const texts = Array.from({ length: 40 }, (_, i) => `${'word '.repeat(1 + (i % 20))}number ${i}`);
    const batch = await embed(texts);
    const singles = await Promise.all(texts.map(async (text) => (await embed(text))[0]!));
    for (const [i, single] of singles.entries()) expect(dot(single, batch[i]!)).toBeGreaterThan(0.9999);
    expect(dot(batch[0]!, batch[1]!)).toBeLessThan(0.999);
  });

  it('takes the same numbers as floats and as base64', async () => {
    const input = 'a quiet harbour';
    const floats = await client.embeddings.create({ model: 'text-embedding-3-small', input, encoding_format: 'float' });
    const [decoded] = await embed(input);
    expect(floats.data[0]?.embedding).toHaveLength(384);
    for (const [i, value] of floats.data[0]!.embedding.entries()) expect(value).toBeCloseTo(decoded![i]!, 5);
    expect(floats.usage.prompt_tokens).toBe(floats.usage.total_tokens);
  });

  it('shortens to unit length', async () => {
    const [short] = await embed('a quiet harbour', { dimensions: 64 });
    const [whole] = await embed('a quiet harbour');
    expect(short).toHaveLength(64);
    expect(dot(short!, short!)).toBeCloseTo(1, 4);
    expect(dot(short!, whole!.slice(0, 64)) / Math.hypot(...whole!.slice(0, 64))).toBeCloseTo(1, 4);
    await expect(embed('a', { dimensions: 385 })).rejects.toMatchObject({ status: 400, param: 'dimensions' });
  });

  it('refuses a text that is too long instead of cutting it', async () => {
    const neighbour = embed('a quiet harbour');
    await expect(embed('word '.repeat(300))).rejects.toMatchObject({ status: 400, code: 'context_length_exceeded' });
    expect((await neighbour)[0]).toHaveLength(384);
  });

  it('behaves as its clients expect, seen from outside', async () => {
    const tasks = ['http', 'models', 'embeddings'] as const;
    const { results, score } = await runConformance({ baseUrl, tasks, timeoutSeconds: 60, concurrency: 8 });
    expect(results.filter(({ outcome }) => outcome === 'failed' || outcome === 'refused')).toEqual([]);
    expect(score.passed).toBeGreaterThan(40);
  });
});

/** The service's own weights in a folder as Sentence Transformers publishes one, pooled by the first token. */
describe('a model of the user', { timeout: 300_000 }, () => {
  it('is served from its folder, by the files that the folder has', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'xim-embedding-'));
    const cacheDir = process.env['XIM_MODEL_CACHE']!;
    const { main } = readModels(app.models).models;
    const own = await fetchArtifact({ model: main, artifact: 'onnx-int8', cacheDir, python: 'python3' });
    const model = join(folder, 'mine');
    mkdirSync(join(model, 'onnx'), { recursive: true });
    mkdirSync(join(model, '1_Pooling'));
    symlinkSync(realpathSync(join(own, 'model.onnx')), join(model, 'onnx/model.onnx'));
    symlinkSync(realpathSync(join(own, 'tokenizer.json')), join(model, 'tokenizer.json'));
    const config = { max_position_embeddings: 512, num_hidden_layers: 6, hidden_size: 384 };
    writeFileSync(join(model, 'config.json'), JSON.stringify(config));
    writeFileSync(join(model, '1_Pooling/config.json'), '{"pooling_mode": "cls"}');
    const texts = ['The boat left the harbour at dawn.', 'word '.repeat(400)];
    const { server } = await openService(app, { XIM_MODEL: model, XIM_MODEL_CACHE: folder, XIM_OFFLINE: '1' });
    try {
      const answer = await server.app.inject({ method: 'POST', url: '/v1/embeddings', payload: { input: texts } });
      const { model: name, data } = answer.json<{ model: string; data: { embedding: number[] }[] }>();
      expect(name).toBe('local/mine');
      expect(server.app.xim.model.shape).toEqual({ contextLength: 512, layers: 6, dimensions: 384 });
      // The service's own profile pools by the mean.
      expect(server.app.xim.model.profiles[0]!.options).toBeUndefined();
      for (const { embedding } of data) expect(dot(embedding, embedding)).toBeCloseTo(1, 4);
    } finally {
      await server.close();
      rmSync(folder, { recursive: true });
    }
  });
});
