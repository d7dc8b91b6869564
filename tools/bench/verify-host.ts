// `npx nx run vllm-xft:verify-host`: runs xFasterTransformer on this host, step by step, and prints a report.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { isRefusal, type ModelEntry } from '@xim/engine';
import { xft } from '@xim/engine-xft';
import { readHost } from '@xim/host-plan';
import { setup } from '../start/index.mjs';
import { ROOT, startService } from './processes.ts';

const HELP = `usage: npx nx run vllm-xft:verify-host [--model org/name | --model ./folder] [--tokens 32]

Checks the CPU, installs xFasterTransformer, converts a model, generates tokens with it, measures 1, 8 and 32 streams on it
and on OpenVINO, and prints a report to paste into an issue. Where xFasterTransformer does not run: the reasons, and exit
code 1. Nothing else should run on the machine meanwhile.

  --model M    model in safetensors, on the hub or in a folder; default: HuggingFaceTB/SmolLM2-135M-Instruct
  --tokens N   tokens of each answer; default: 32
  --root DIR   only checks a recorded host, a folder with proc and sys (libs/host-plan/src/__fixtures__/record.sh)
  --help`;

const STREAMS = [1, 8, 32];

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'HuggingFaceTB/SmolLM2-135M-Instruct' },
    tokens: { type: 'string', default: '32' },
    root: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const tokens = Number(values.tokens);
if (values.help || !Number.isInteger(tokens) || tokens < 1) {
  console.log(values.help ? HELP : `--tokens ${values.tokens}: expected a whole number from 1.\n\n${HELP}`);
  process.exit(values.help ? 0 : 2);
}
try {
  process.exit(await verify(values.model, tokens, values.root));
} catch (error) {
  console.error(`verify-host: ${(error as Error).message}`);
  process.exit(1);
}

async function verify(model: string, count: number, root: string | undefined): Promise<number> {
  const host = readHost(root);
  const report = ['## xFasterTransformer on this host', '', `- CPU: ${host.cpuModel} (${host.vendor})`];
  report.push(`- instruction sets: ${host.isa.filter((isa) => /^(avx|amx)/.test(isa)).join(' ') || 'none'}`);
  const profile = xft.check(host, toEntry(model));
  if (isRefusal(profile)) {
    report.push('- gate: refused', ...profile.missing.map((each) => `  - missing: ${each}`), `- ${profile.advice}`);
    console.log(report.join('\n'));
    return 1;
  }
  report.push(`- gate: dtype ${String(profile.options?.['dtype'])}, uses ${String(profile.options?.['isa'])}`);
  if (root !== undefined) {
    console.log(report.join('\n'));
    return 0;
  }
  const log = (line: string) => console.error(line);
  // The set-up installs wheels of this engine where it is named.
  process.env['XIM_ENGINE'] = 'xft';
  const { venvs, modelCache } = await setup({ engines: ['oneapi', 'xft'], models: ['vllm-xft'], dev: false, log });
  const env = { XIM_VENVS: venvs, XIM_MODEL_CACHE: modelCache };
  report.push('- import: installed; the start of the service tries it in a child process');
  const folder = convert(model, env);
  report.push('- convert: every number compared with its source');
  for (const [engine, own] of [
    ['xft', { XIM_MODEL: folder }],
    ['oneapi', {}],
  ] as const) {
    log(`starting the service on ${engine} …`);
    report.push(...(await measure(engine, { ...env, ...own, XIM_ENGINE: engine, XIM_SLOTS: '32' }, count)));
  }
  console.log(report.join('\n'));
  return 0;
}

/** The model after its conversion, as far as the check reads it. */
function toEntry(id: string): ModelEntry {
  const profiles = [{ engine: 'xft', isa: [], options: { weights: 'fp16' } }];
  return { id, task: 'generate', licence: 'LicenseRef-unstated', created: 0, artifacts: {}, profiles, shape: {} };
}

/** The folder in the model cache. */
function convert(model: string, env: Record<string, string>): string {
  const work = mkdtempSync(join(tmpdir(), 'xim-verify-'));
  try {
    const file = join(work, 'models.json');
    const command = ['convert', file, '--from', model, '--to', 'xft', '--task', 'generate'];
    const program = ['--conditions=@xim/source', '--import=tsx', 'libs/model-tools/src/bin.ts', ...command];
    const { status, stdout } = spawnSync(process.execPath, program, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const folder = stdout.trim().split('\n').at(-1) ?? '';
    if (status !== 0 || !existsSync(join(folder, 'config.ini'))) throw new Error(`the conversion of ${model} failed`);
    return folder;
  } finally {
    rmSync(work, { recursive: true });
  }
}

interface Completion {
  readonly choices: readonly { readonly text: string }[];
  readonly usage: { readonly completion_tokens: number };
}

/** Lines of the report: the text, the runtime that computed it, and tokens per second. */
async function measure(engine: string, env: Record<string, string>, count: number): Promise<string[]> {
  const service = await startService('apps/vllm-xft/src/main.ts', env);
  const origin = `http://127.0.0.1:${service.port}`;
  try {
    const metadata = (await (await fetch(`${origin}/v1/metadata`)).json()) as {
      engine: { info: { runtime: { name: string; version: string; isa: string }; dtype: string } };
    };
    const { runtime, dtype } = metadata.engine.info;
    const first = await complete(origin, 'The sea is', count);
    const lines = [
      `- ${engine}: ${runtime.name} ${runtime.version}, ${dtype} on ${runtime.isa}`,
      `  - ${count} tokens: ${JSON.stringify(first.choices[0]?.text)}`,
    ];
    for (const streams of STREAMS) {
      const began = performance.now();
      const prompts = Array.from({ length: streams }, (_, number) => `Story ${number}: Once upon a time`);
      const answers = await Promise.all(prompts.map((prompt) => complete(origin, prompt, 4 * count)));
      const seconds = (performance.now() - began) / 1000;
      const made = answers.reduce((sum, { usage }) => sum + usage.completion_tokens, 0);
      lines.push(`  - ${streams} streams: ${(made / seconds).toFixed(0)} tokens/s`);
    }
    return lines;
  } finally {
    await service.stop();
  }
}

async function complete(origin: string, prompt: string, count: number): Promise<Completion> {
  const body = JSON.stringify({ model: 'default', prompt, max_tokens: count, temperature: 0, ignore_eos: true });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${origin}/v1/completions`, { method: 'POST', headers, body });
  const text = await response.text();
  if (!response.ok) throw new Error(`the service answered ${response.status}: ${text}`);
  return JSON.parse(text) as Completion;
}
