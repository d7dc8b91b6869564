import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { readModels } from '@xim/model-cache';
import { openService } from '@xim/server/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import app from './app.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const cacheDir = process.env['XIM_MODEL_CACHE']!;
const venvs = process.env['XIM_VENVS']!;

const QUERY = 'Where do boats rest?';
const DOCUMENTS = [
  'The harbour shelters ships from the storm.',
  'Income tax returns are due in April.',
  'yes',
  'Fishermen mend nets in winter, and in the evening they tell of the old lighthouse by the wall of the harbour.',
];

/** Small random models of Transformers, converted by the real tools and served. */
describe('a converted reranker', { timeout: 900_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'xim-converted-'));
  const models = join(folder, 'models.json');
  let expected: Readonly<Record<'cross-encoder' | 'modern-bert' | 'language-model', number[]>>;

  const tool = (args: readonly string[]) => {
    const bin = join(root, 'libs/model-tools/src/bin.ts');
    const all = ['--conditions=@xim/source', '--import', 'tsx', bin, ...args, '--weights', 'fp32', '--cache', cacheDir];
    return spawnSync(process.execPath, all, { cwd: root, encoding: 'utf8' });
  };
  const convert = (kind: string) => tool(['convert', models, '--task', 'rerank', '--from', join(folder, kind)]);

  beforeAll(() => {
    const script = fileURLToPath(new URL('./__fixtures__/tiny_rerankers.py', import.meta.url));
    const path = ['embedding', 'worker'].map((name) => join(root, 'libs', name, 'python')).join(':');
    const printed = execFileSync(join(venvs, 'ipex/bin/python'), [script, folder, QUERY, ...DOCUMENTS], {
      env: { PYTHONPATH: path, PYTHONDONTWRITEBYTECODE: '1' },
      encoding: 'utf8',
    });
    expected = JSON.parse(printed) as typeof expected;
  }, 900_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ['a cross-encoder', 'cross-encoder'],
    ['a cross-encoder with local attention', 'modern-bert'],
  ] as const)('has the scores of Transformers: %s, made ready as npm start does it', async (_, kind) => {
    const model = join(folder, kind);
    const made = tool(['ready', fileURLToPath(app.models), '--model', model]);
    expect(made.status, made.stderr).toBe(0);
    expect(made.stderr).toContain('is there only as safetensors; it is converted to OpenVINO IR');
    expectScores(await scoresOf(app, { XIM_MODEL: made.stdout.trim() }), expected[kind]);
  });

  it('has the scores of Transformers: a language model that answers yes or no', async () => {
    const made = convert('language-model');
    expect(made.status, made.stderr).toBe(0);
    const { main } = readModels(models).models;
    expect(main).toMatchObject({ task: 'rerank', shape: { contextLength: 512, layers: 2, dimensions: 32 } });
    expect(main.profiles).toMatchObject([
      { engine: 'oneapi', artifact: 'openvino-fp32', options: { scoring: 'cross-encoder' } },
    ]);
    expectScores(await scoresOf({ ...app, models: pathToFileURL(models) }), expected['language-model']);
  });

  it('is refused with several labels, or without the name of the prompt that it expects', () => {
    const before = existsSync(models);
    const two = convert('two-labels');
    expect([two.status, two.stderr]).toEqual([
      1,
      expect.stringContaining('the model has 2 labels; a reranker has one'),
    ]);
    const silent = convert('classification-without-prompt');
    expect(silent.status).toBe(1);
    expect(silent.stderr).toContain('Write "reranker_prompt" into config.json of a copy of yours');
    expect(existsSync(models)).toBe(before);
  });
});

/** Log-odds, in the order of the documents. */
async function scoresOf(service: typeof app, env: Record<string, string> = {}): Promise<number[]> {
  const { server, origin } = await openService(service, env);
  try {
    const response = await fetch(`${origin}/v1/score`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text_1: QUERY, text_2: DOCUMENTS, use_activation: false }),
    });
    expect(response.status).toBe(200);
    const { data } = (await response.json()) as { data: { score: number }[] };
    return data.map(({ score }) => score);
  } finally {
    await server.close();
  }
}

/** Where the CPU has bf16, the service computes in it. */
function expectScores(found: readonly number[], expected: readonly number[]): void {
  expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.5);
  expect(found).toHaveLength(expected.length);
  for (const [i, score] of found.entries()) expect(Math.abs(score - expected[i]!)).toBeLessThan(0.15);
}
