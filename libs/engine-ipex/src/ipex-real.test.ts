import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, type GenerateInput, isRefusal } from '@xim/engine';
import { expect, it } from 'vitest';
import { languageModel } from './__fixtures__/language-models.ts';
import { missing, python } from './__fixtures__/pipelines.ts';
import { ipex } from './ipex-engine.ts';

const ROOT = join(import.meta.dirname, '../../..');
const VENVS = process.env['XIM_VENVS'] ?? join(ROOT, '.venv');
const FIXTURES = join(import.meta.dirname, '__fixtures__');
const TOKENS = 16;

const log = { debug() {}, info() {}, warn() {}, error() {} };
const plan = { threads: 1, slots: 4, queue: 64, kvCacheBytes: 2 ** 28, batchTokens: 64, stallMs: 600_000, reasons: [] };
const host = { vendor: '', cpuModel: '', isa: ['avx2'], cpus: [], memoryBytes: 2 ** 33, availableMemoryBytes: 2 ** 33 };
const model = { ...languageModel, id: 'HuggingFaceTB/SmolLM2-135M-Instruct', shape: { contextLength: 8192 } };

const TEXTS = [
  'The sea is',
  'Once upon a time there was a small house at the end of a long road, and in this house lived',
  'def add(a, b):\n',
];

/** The file of the service `chat`, fetched into the clone's cache where it is not there yet. */
function ggufFile(): string {
  const pull = [
    'libs/model-tools/src/bin.ts',
    'pull',
    'apps/chat/models.json',
    '--cache',
    process.env['XIM_MODEL_CACHE'] ?? join(ROOT, '.model_cache'),
  ];
  const program = [process.execPath, '--conditions=@xim/source', '--import=tsx', ...pull] as const;
  const folder = execFileSync(program[0], program.slice(1), { cwd: ROOT, encoding: 'utf8' }).trim();
  return join(folder, 'SmolLM2-135M-Instruct.Q4_1.gguf');
}

if (missing) console.warn(missing);
it.skipIf(missing)('greedy tokens of a real model are those of Transformers', { timeout: 900_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'xim-smollm-'));
  const profile = ipex.check(host, model);
  if (isRefusal(profile)) throw new Error(profile.missing.join());
  const engine = ipex.create({ profile, plan, model, modelPath: folder, python, log });
  try {
    const folders = ['engine-oneapi', 'generation', 'worker'].map((name) => join(ROOT, 'libs', name, 'python'));
    execFileSync(join(VENVS, 'oneapi/bin/python'), [join(FIXTURES, 'gguf_to_transformers.py'), ggufFile(), folder], {
      env: { PYTHONPATH: folders.join(':'), PATH: '/usr/bin:/bin' },
    });
    await engine.start();
    const found = await Promise.all(TEXTS.map((text) => tokensOf(engine, text)));
    const expected: unknown = JSON.parse(
      execFileSync(python, [join(FIXTURES, 'transformers_tokens.py'), folder, String(TOKENS)], {
        input: JSON.stringify(found.map(({ prompt }) => prompt)),
        encoding: 'utf8',
        stdio: ['pipe', 'pipe', 'ignore'],
      }),
    );
    expect(found.map(({ output }) => output)).toEqual(expected);
  } finally {
    await engine.stop();
    rmSync(folder, { recursive: true });
  }
});

async function tokensOf(
  engine: Engine,
  text: string,
): Promise<{ prompt: readonly number[]; output: readonly number[] }> {
  const call = { id: 'run', signal: new AbortController().signal };
  const input: GenerateInput = {
    prompt: { text },
    maxTokens: TOKENS,
    ignoreEnd: true,
    tokenIds: true,
    sampling: { temperature: 0 },
  };
  for await (const event of engine.generate!(input, call)) {
    if (event.type === 'choice-end' && event.tokens !== undefined) return event.tokens;
  }
  throw new Error('no choice ended');
}
