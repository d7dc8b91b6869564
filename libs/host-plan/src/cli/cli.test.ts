import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EngineFactory, Plan } from '@xim/engine';
import { run } from './cli.ts';
import { type LoadEngine, loadEngine } from './load-engine.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`../__fixtures__/${name}`, import.meta.url));
const main = {
  id: 'org/chat',
  task: 'generate',
  artifacts: { gguf: { files: [{ path: 'a.gguf', size: 98_362_432 }] } },
  profiles: [
    { engine: 'xft', artifact: 'gguf', isa: ['avx2', 'avx512f'] },
    { engine: 'oneapi', artifact: 'gguf', isa: ['avx2'] },
  ],
  shape: { contextLength: 8192, layers: 30, kvHeads: 3, headDim: 64 },
};

let folder: string;
let models: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xim-plan-'));
  models = join(folder, 'models.json');
  const huge = { ...main, shape: { ...main.shape, weightBytes: 1e12 } };
  writeFileSync(models, JSON.stringify({ lockVersion: 1, models: { main, huge, odd: { id: 'x' } } }));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Engines as the plan sees them; `xft` is one that nobody has installed. */
const load: LoadEngine = async (name) => {
  const refuse = (): never => {
    throw new Error('not called');
  };
  const memory: EngineFactory['memory'] = ({ shape }) => ({
    weightBytes: shape.weightBytes ?? 1e8,
    kvBytesPerToken: 1000,
    reserveBytes: 0,
  });
  return { name, formats: [], check: refuse, create: refuse, memory };
};

async function ximPlan(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run(args, { out: (line) => out.push(line), err: (line) => err.push(line) }, load);
  return { code, out: out.join('\n'), err: err.join('\n') };
}

test('prints this machine', async () => {
  expect(await ximPlan()).toMatchObject({ code: 0, out: expect.stringMatching(/^vendor {2}/), err: '' });
});

test('prints a recorded host, the plan for the first profile that it can run, and a command per NUMA node', async () => {
  const { code, out } = await ximPlan('--root', fixture('two-sockets-smt'), '--models', models);
  expect(code).toBe(0);
  expect(out).toContain('cpus       0-7 (4 cores, 2 sockets, 2 NUMA nodes)');
  expect(out).toContain('org/chat on oneapi\nthreads       4 ');
  expect(out).toContain('docker run --cpuset-cpus=4-7 --cpuset-mems=1 -m 1966m -p 8001:8000 IMAGE');
  expect((await ximPlan('--root', fixture('xeon-amx-v1'), '--models', models)).out).toContain('org/chat on xft\n');
});

test('--json is one object', async () => {
  const { out } = await ximPlan('--root', fixture('container-v2'), '--models', models, '--json');
  const { host, model, engine, plan } = JSON.parse(out) as { host: unknown; model: string; engine: string; plan: Plan };
  expect(host).toMatchObject({ cpuQuota: 2.5 });
  expect([model, engine, plan.threads]).toEqual(['org/chat', 'oneapi', 2]);
});

test('--help', async () => {
  expect(await ximPlan('--help')).toMatchObject({ code: 0, out: expect.stringContaining('--models FILE') });
});

test.each([
  [['--nonsense'], 2, "Unknown option '--nonsense'"],
  [['--models', '/nowhere/models.json'], 2, 'cannot read /nowhere/models.json: ENOENT'],
  [['--models', 'MODELS', '--role', 'vad'], 2, 'has no model "vad" (found: main, huge, odd)'],
  [['--models', 'MODELS', '--role', 'odd'], 2, 'lacks task, artifacts, profiles or shape'],
  [['--models', 'MODELS', '--engine', 'ipex'], 2, 'has no profile for "ipex" (found: xft, oneapi)'],
  [['--models', 'MODELS', '--engine', 'xft', '--root', fixture('amd')], 1, 'xft needs avx512f'],
  [['--models', 'MODELS', '--role', 'huge', '--root', fixture('amd')], 1, 'org/chat needs 931 GiB'],
])('%j ends with %i', async (args, code, message) => {
  const outcome = await ximPlan(...args.map((arg) => (arg === 'MODELS' ? models : arg)));
  expect(outcome).toMatchObject({ code, out: '' });
  expect(outcome.err).toMatch(/^xim-plan: /);
  expect(outcome.err).toContain(message);
});

test('the factory of an engine is found in its package', async () => {
  expect((await loadEngine('echo')).name).toBe('echo');
  await expect(loadEngine('nothing')).rejects.toThrow(
    'not installed here, and the plan needs its figures: npm install',
  );
});
