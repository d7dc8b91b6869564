import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { fetchArtifact, readModels } from '@xim/model-cache';
import { openService } from '@xim/server/testing';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import app from './app.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const cacheDir = process.env['XIM_MODEL_CACHE']!;
const venvs = process.env['XIM_VENVS']!;

/** The real tools on the service's own model as a folder of Transformers, and the service on the result. */
describe('a converted language model', { timeout: 900_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'xim-converted-'));
  const models = join(folder, 'models.json');

  beforeAll(async () => {
    const model = readModels(app.models).models.main;
    const gguf = await fetchArtifact({ model, artifact: 'gguf-q4_1', cacheDir, python: 'python3' });
    const published = join(folder, 'published');
    mkdirSync(published);
    const script = join(root, 'libs/engine-ipex/src/__fixtures__/gguf_to_transformers.py');
    const file = readdirSync(gguf).find((name) => name.endsWith('.gguf'))!;
    execFileSync(join(venvs, 'oneapi/bin/python'), [script, join(gguf, file), published], {
      env: {
        PYTHONPATH: ['engine-oneapi', 'generation', 'worker']
          .map((name) => join(root, 'libs', name, 'python'))
          .join(':'),
      },
    });
    const bin = join(root, 'libs/model-tools/src/bin.ts');
    const args = ['convert', models, '--from', published, '--task', 'generate', '--cache', cacheDir];
    const made = spawnSync(process.execPath, ['--conditions=@xim/source', '--import', 'tsx', bin, ...args], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(made.status, made.stderr).toBe(0);
  }, 900_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it('has the tokenizer that the engine reads', () => {
    const { main } = readModels(models).models;
    expect(main).toMatchObject({ task: 'generate', shape: { layers: 30, kvHeads: 3, headDim: 64 } });
    const files = main.artifacts['openvino-int8']!.files.map(({ path }) => path);
    expect(files).toEqual(expect.arrayContaining(['openvino_model.bin', 'openvino_model.xml', 'tokenizer.json']));
    expect(files.filter((path) => path.includes('openvino_tokenizer'))).toEqual([]);
  });

  it('answers with sense', async () => {
    const { server, origin } = await openService({ ...app, models: pathToFileURL(models) });
    try {
      const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'unused', maxRetries: 0 });
      const { id } = (await client.models.list()).data[0]!;
      const answer = await client.chat.completions.create({
        model: id,
        temperature: 0,
        max_completion_tokens: 24,
        messages: [{ role: 'user', content: 'Write one sentence about the sea.' }],
      });
      expect(answer.choices[0]!.message.content).toMatch(/\bsea\b/i);
    } finally {
      await server.close();
    }
  });
});
