import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkProfiles, type EngineFactory, type Host, type Plan } from '@xim/engine';
import { run } from './cli.ts';
import { type LoadEngine, loadEngine } from './load-engine.ts';
import { toServiceFile } from './services.ts';

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

/** Engines as the plan sees them. */
const load: LoadEngine = async (name) => {
  const refuse = (): never => {
    throw new Error('not called');
  };
  const memory: EngineFactory['memory'] = ({ shape }) => ({
    weightBytes: shape.weightBytes ?? 1e8,
    kvBytesPerToken: 1000,
    reserveBytes: 0,
    work: { bytes: 1e8, operations: 3e8, dtype: 'fp32', bandwidthShare: 0.5, peakShare: 0.25 },
  });
  const check = checkProfiles({ name, tasks: ['generate'], isa: [] });
  return { name, formats: [], check, create: refuse, memory };
};

async function ximPlan(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []];
  const write = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) };
  const code = await run(args, write, load, async () => ({ bytesPerSecond: 2e10, hertz: 3e9 }));
  return { code, out: out.join('\n'), err: err.join('\n') };
}

test('prints this machine', async () => {
  expect(await ximPlan()).toMatchObject({ code: 0, out: expect.stringMatching(/^vendor {2}/), err: '' });
});

test('prints a recorded host, the plan for the first profile that it can run, and a command per NUMA node', async () => {
  const { code, out } = await ximPlan('--root', fixture('two-sockets-smt'), '--models', models);
  expect(code).toBe(0);
  expect(out).toContain('cpus       0-7 (4 cores, 2 sockets, 2 NUMA nodes)');
  expect(out).toContain('org/chat on oneapi, 93.8 MiB of files\nthreads       4 ');
  expect(out).toContain('docker run --cpuset-cpus=4-7 --cpuset-mems=1 -m 1966m -p 8001:8000 opea-xim/xim-plan-');
  expect((await ximPlan('--root', fixture('xeon-amx-v1'), '--models', models)).out).toContain('org/chat on xft, ');
});

test('--json is one object', async () => {
  const { out } = await ximPlan('--root', fixture('container-v2'), '--models', models, '--json');
  const { host, model, engine, plan } = JSON.parse(out) as { host: unknown; model: string; engine: string; plan: Plan };
  expect(host).toMatchObject({ cpuQuota: 2.5 });
  expect([model, engine, plan.threads]).toEqual(['org/chat', 'oneapi', 2]);
});

test('a recording of this machine is a host for --host', async () => {
  const file = join(folder, 'host.json');
  expect(await ximPlan('record', file)).toMatchObject({ code: 0, out: expect.stringContaining(`--host ${file}`) });
  const here = JSON.parse((await ximPlan('--json')).out) as { host: Host };
  const there = JSON.parse((await ximPlan('--host', file, '--json')).out) as { host: Host; speed: object };
  expect(there.host.cpus).toEqual(here.host.cpus);
  expect(there.speed).toEqual({ bytesPerSecond: 2e10, hertz: 3e9 });
  // The output of --json is one too, with numbers changed by hand.
  writeFileSync(file, JSON.stringify({ ...here, host: { ...here.host, cpuQuota: 0.5 } }));
  expect((await ximPlan('--host', file)).out).toContain('0.5 CPUs');
});

test('an estimate with its basis, before anything is loaded; none for another host, or where it is not wanted', async () => {
  const { out } = await ximPlan(models);
  expect(out).toMatch(/^estimate {6}[\d.]+ tokens\/s \([\d.]+ to [\d.]+\), one call at a time: a token reads 100 MB/m);
  expect(out).toContain('org/chat on ');
  expect(out).toContain(', 93.8 MiB of files');
  expect((await ximPlan(models, '--no-measure')).out).not.toContain('estimate');
  expect((await ximPlan(models, '--root', fixture('amd'))).out).not.toContain('estimate');
});

test('several services share the host, by parts', async () => {
  const { code, out } = await ximPlan(`${models}=3`, models, '--root', fixture('two-sockets-smt'));
  expect(code).toBe(0);
  expect(out).toContain('share: 3 of 4 parts: 3 of 4 cores (CPUs 0-5)');
  expect(out).toContain('share: 1 of 4 parts: 1 of 4 cores (CPUs 6-7)');
  expect(out).toMatch(/One container per service:\ndocker run --cpuset-cpus=0-5 .*\ndocker run --cpuset-cpus=6-7 /);
  const json = JSON.parse((await ximPlan(models, models, '--root', fixture('amd'), '--json')).out) as {
    services: { plan: Plan; host: Host }[];
  };
  expect(json.services.map(({ plan, host }) => [plan.threads, host.cpus.length])).toEqual([
    [2, 2],
    [2, 2],
  ]);
});

test('a service of the clone goes by the name of its folder', () => {
  const here = fileURLToPath(new URL('.', import.meta.url));
  expect(toServiceFile('chat=2', here)).toMatchObject({ name: 'chat', weight: 2 });
  expect(toServiceFile('chat', here).file).toMatch(/\/apps\/chat\/models\.json$/);
  expect(() => toServiceFile('chart', here)).toThrow('there is no service "chart" (found: chat, ');
  expect(() => toServiceFile('chat', '/')).toThrow('there is no folder "apps" here');
});

test('--help', async () => {
  expect(await ximPlan('--help')).toMatchObject({ code: 0, out: expect.stringContaining('--models FILE') });
});

test.each([
  [['record', 'a', 'b'], 2, '"record" takes one file'],
  [['MODELS=0'], 2, 'is a number above 0'],
  [['--host', '/nowhere.json'], 2, 'cannot read /nowhere.json: ENOENT'],
  [['--host', 'MODELS'], 1, 'describes no host: "vendor" is missing or wrong'],
  [['--nonsense'], 2, "Unknown option '--nonsense'"],
  [['--models', '/nowhere/models.json'], 2, 'cannot read /nowhere/models.json: ENOENT'],
  [['--models', 'MODELS', '--role', 'vad'], 2, 'has no model "vad" (found: main, huge, odd)'],
  [['--models', 'MODELS', '--role', 'odd'], 2, 'lacks task, artifacts, profiles or shape'],
  [['--models', 'MODELS', '--engine', 'ipex'], 2, 'has no profile for "ipex" (found: xft, oneapi)'],
  [['--models', 'MODELS', '--engine', 'xft', '--root', fixture('amd')], 1, 'xft needs avx512f'],
  [['--models', 'MODELS', '--role', 'huge', '--root', fixture('amd')], 1, 'org/chat needs 931 GiB'],
])('%j ends with %i', async (args, code, message) => {
  const outcome = await ximPlan(...args.map((arg) => arg.replace('MODELS', models)));
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
