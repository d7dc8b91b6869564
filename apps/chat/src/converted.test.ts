import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchArtifact, readModels } from '@xim/model-cache';
import { openService } from '@xim/server/testing';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import app from './app.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const cacheDir = process.env['XIM_MODEL_CACHE']!;
const venvs = process.env['XIM_VENVS']!;

/** The service's own model as a folder of Transformers, made ready by the real tools, as `npm start` does it. */
describe('a language model of the user in safetensors', { timeout: 900_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'xim-converted-'));
  const published = join(folder, 'published');
  let converted: string;

  const ready = (args: readonly string[], env: Record<string, string> = {}, model = published) => {
    const bin = join(root, 'libs/model-tools/src/bin.ts');
    const command = ['ready', fileURLToPath(app.models), '--model', model, '--cache', cacheDir, ...args];
    return spawnSync(process.execPath, ['--conditions=@xim/source', '--import', 'tsx', bin, ...command], {
      ...{ cwd: root, encoding: 'utf8' },
      env: { ...process.env, ...env },
    });
  };

  beforeAll(async () => {
    const model = readModels(app.models).models.main;
    const gguf = await fetchArtifact({ model, artifact: 'gguf-q4_1', cacheDir, python: 'python3' });
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
    const made = ready([]);
    expect(made.status, made.stderr).toBe(0);
    converted = made.stdout.trim();
  }, 900_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is converted once, with the tokenizer that the engine reads', () => {
    const files = readdirSync(converted);
    expect(files).toEqual(expect.arrayContaining(['openvino_model.bin', 'openvino_model.xml', 'tokenizer.json']));
    expect(files.filter((name) => name.includes('openvino_tokenizer'))).toEqual([]);
    const again = ready(['--python', '/nowhere'], { XIM_OFFLINE: '1' });
    expect([again.stdout, again.stderr]).toEqual([`${converted}\n`, '']);
  });

  it('answers with sense', async () => {
    const { server, origin } = await openService(app, { XIM_MODEL: converted });
    try {
      const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'unused', maxRetries: 0 });
      expect(server.app.xim.model.shape).toMatchObject({ layers: 30, kvHeads: 3, headDim: 64 });
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

  it('may have weights in FP8, which are unpacked first', () => {
    const python = join(venvs, 'ipex/bin/python');
    const script = join(root, 'libs/engine-ipex/python/tests/tiny_language_models.py');
    execFileSync(python, [script, folder, 'llama'], { stdio: 'ignore' });
    // Under a name of this run: the model is the same in every run, and its result is kept in the cache.
    const name = `llama-${randomUUID()}`;
    renameSync(join(folder, 'llama'), join(folder, name));
    onTestFinished(() => rmSync(join(cacheDir, `models--local--${name}`), { recursive: true }));
    execFileSync(python, [join(root, 'libs/model-tools/python/tests/quantise_fp8.py'), join(folder, name)]);
    const made = ready(['--weights', 'fp32'], {}, join(folder, name));
    expect(made.status, made.stderr).toBe(0);
    expect(made.stderr).toMatch(/unpacking the weights \(compressed-tensors\)/);
    expect(made.stderr).toMatch(/agrees with the original: 100\.0 %/);
  });

  it('may be of Gemma, which the tools do not export with every version of Transformers', async () => {
    const script = join(root, 'libs/engine-ipex/python/tests/tiny_language_models.py');
    execFileSync(join(venvs, 'ipex/bin/python'), [script, folder, 'gemma2'], { stdio: 'ignore' });
    const made = ready(['--weights', 'fp32'], {}, join(folder, 'gemma2'));
    expect(made.status, made.stderr).toBe(0);
    expect(made.stderr).toMatch(/agrees with the original: 100\.0 %/);
    const { server, origin } = await openService(app, { XIM_MODEL: made.stdout.trim() });
    try {
      const body = JSON.stringify({ prompt: 'the sea', max_tokens: 4, temperature: 0 });
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${origin}/v1/completions`, { method: 'POST', headers, body });
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ usage: { prompt_tokens: 7, completion_tokens: 4 } });
    } finally {
      await server.close();
    }
  });

  it('is refused while it is converted, if the graph needs more than keys and values', () => {
    const script = join(root, 'libs/engine-ipex/python/tests/tiny_language_models.py');
    execFileSync(join(venvs, 'ipex/bin/python'), [script, folder, 'bloom'], { stdio: 'ignore' });
    const made = ready(['--weights', 'fp32'], {}, join(folder, 'bloom'));
    expect(made.status).not.toBe(0);
    expect(made.stdout).toBe('');
    expect(made.stderr).toMatch(/has biases in place of positions.*the engine ipex serves this model from safetensors/);
  });
});
