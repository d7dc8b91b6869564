import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { buildImages, modelCache } from './build.ts';
import { ROOT } from './checkout.ts';
import { docker, readDockerHost, SKIPPED } from './docker-host.ts';
import { type Container, runToEnd, startContainer } from './service.ts';

const MINUTE = 60_000;
const MIB = 2 ** 20;
const dockerHost = readDockerHost();

describe('a service within the limits of its container', { timeout: 10 * MINUTE }, () => {
  beforeAll(async () => {
    if (dockerHost) await buildImages('chat:docker-build', 'embedding:docker-build');
  }, 20 * MINUTE);
  beforeEach((context) => context.skip(!dockerHost, SKIPPED));

  it.for(['chat', 'embedding'] as const)(
    '%s: 1.5 times its weights and 512 MiB hold a service at work',
    async (app, { annotate }) => {
      const limit = Math.ceil(1.5 * plannedWeights(app)) + 512 * MIB;
      const container = await start(app, memory(limit));
      const sent = Array.from({ length: 4 }, (_, at) => ask(container, app, LONG(at)));
      expect((await Promise.all(sent)).filter(({ status }) => status !== 200)).toEqual([]);
      expect(stateOf(container)).toMatchObject({ OOMKilled: false, Running: true, Restarting: false });
      expect(cgroup(container, 'memory.events', 'memory/memory.oom_control')).toMatch(/^oom_kill 0$/m);
      expect(await metric(container, 'xim_engine_restarts_total')).toBe(0);
      const peak = Number(cgroup(container, 'memory.peak', 'memory/memory.max_usage_in_bytes'));
      await annotate(`${app}: at most ${toMib(peak)} of ${toMib(limit)}, page cache included`);
    },
  );

  it.for(['chat', 'embedding'] as const)(
    '%s: below what it needs it is refused before it loads, and the memory that the refusal names is enough',
    async (app, { annotate }) => {
      const { code, output } = await runToEnd(image(app), [...WEIGHTS, ...memory(400 * MIB)]);
      expect(code).toBe(1);
      expect(output).toMatch(/needs .+ of weights, .+ for the programs.*, but of 400 MiB only .+ are free here\./);
      expect(output).not.toContain('Killed');
      const [sentence, named] = /Give it more memory \(a container: -m (\d+)m or more\)/.exec(output) ?? [];
      await annotate(`${app}: ${sentence}`);
      const container = await start(app, memory(Number(named) * MIB));
      expect(await ask(container, app, 'the sea')).toMatchObject({ status: 200 });
      expect(stateOf(container)).toMatchObject({ OOMKilled: false, Running: true });
    },
  );

  it('plans a thread for a quota of one core, and counts the periods in which it was stopped', async ({ annotate }) => {
    const figures: string[] = [];
    for (const [asked, threads] of [
      [[], 1],
      [['--env=XIM_THREADS=2'], 2],
    ] as const) {
      const container = await start('chat', ['--cpus=1', ...asked]);
      const { plan, host } = await metadata(container);
      expect({ threads: plan.threads, quota: host.cpuQuota }).toEqual({ threads, quota: 1 });
      const [answers, seconds] = await timed(() => Promise.all([0, 1, 2].map(() => ask(container, 'chat', STORY))));
      const tokens = answers.reduce((sum, { body }) => sum + body.usage.completion_tokens, 0);
      const [before, counted, after] = [
        throttledPeriods(container),
        await metric(container, 'xim_cpu_throttled_periods_total'),
        throttledPeriods(container),
      ];
      expect(counted).toBeGreaterThanOrEqual(before);
      expect(counted).toBeLessThanOrEqual(after);
      const periods = await metric(container, 'xim_cpu_periods_total');
      expect(periods).toBeGreaterThan(0);
      figures.push(
        `${threads} ${asked.length === 0 ? 'planned' : 'asked for'}: ${(tokens / seconds).toFixed(1)} tokens/s, stopped in ${counted} of ${periods} periods`,
      );
      container.remove();
    }
    await annotate(figures.join('\n'));
  });

  it('runs beside another with the shares that xim-plan prints', async ({ annotate }) => {
    const { services } = JSON.parse(plan('chat', 'embedding', '--json')) as {
      services: { service: string; plan: { threads: number } }[];
    };
    const commands = plan('chat', 'embedding')
      .split('\n')
      .filter((line) => line.startsWith('docker run '));
    expect(commands.length).toBe(2);
    const containers: Container[] = [];
    for (const [at, app] of (['chat', 'embedding'] as const).entries()) {
      const words = commands[at]!.replace(/^docker run /, '').split(' ');
      expect(words.at(-1)).toBe(image(app));
      // The port of the command is for a network of the container's own; here it has that of the host.
      const limits = words.slice(0, words.indexOf('-p'));
      const container = await start(app, limits);
      containers.push(container);
      const { plan: own } = await metadata(container);
      expect(own.threads, commands[at]).toBe(services[at]!.plan.threads);
      await annotate(`${app}: ${limits.join(' ')}, ${own.threads} threads, ${own.slots} slots`);
    }
    const [chat, embedding] = containers as [Container, Container];
    const answers = await Promise.all(
      [0, 1, 2, 3].flatMap((at) => [ask(chat, 'chat', LONG(at)), ask(embedding, 'embedding', LONG(at))]),
    );
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    for (const container of containers) {
      expect(stateOf(container)).toMatchObject({ OOMKilled: false, Running: true });
      expect(await metric(container, 'xim_engine_restarts_total')).toBe(0);
    }
  });
});

type App = 'chat' | 'embedding';

const image = (app: App): string => `opea-xim/${app}`;
const WEIGHTS = [`--volume=${modelCache()}:/models:ro`, '--env=XIM_OFFLINE=1'];
const STORY = 'Tell a long story of a ship.';
/** About 800 tokens that no other number shares. */
const LONG = (seed: number): string => Array.from({ length: 150 }, (_, at) => `ship ${seed * 150 + at}`).join(' ');
/** Without swap space, which would hide a lack of memory. */
const memory = (bytes: number): string[] => [`--memory=${bytes}`, `--memory-swap=${bytes}`];
const toMib = (bytes: number): string => `${(bytes / MIB).toFixed(0)} MiB`;

async function start(app: App, args: readonly string[]): Promise<Container> {
  // A busy machine is slow; that is no fault of the limits.
  const patience = '--env=XIM_STALL_SECONDS=600';
  const container = await startContainer(image(app), { args: [...WEIGHTS, patience, ...args] });
  onTestFinished(() => container.remove());
  return container;
}

/** Bytes of the weights in memory, as the plan counts them. */
function plannedWeights(app: App): number {
  const [, value, unit] = /^weights +([\d.]+) (MiB|GiB)/m.exec(plan(app))!;
  return Number(value) * (unit === 'MiB' ? MIB : 1024 * MIB);
}

/** The output of `xim-plan`. */
function plan(...args: string[]): string {
  const options = { cwd: ROOT, encoding: 'utf8' } as const;
  return execFileSync(join(ROOT, 'node_modules/.bin/xim-plan'), [...args, '--no-measure'], options);
}

async function ask(
  { origin }: Container,
  app: App,
  text: string,
): Promise<{ status: number; body: { usage: { completion_tokens: number } } }> {
  const [path, body] =
    app === 'chat'
      ? ['chat/completions', { messages: [{ role: 'user', content: text }], max_completion_tokens: 32 }]
      : // The model reads 256 tokens.
        ['embeddings', { input: Array.from({ length: 32 }, (_, at) => `${at} ${text.slice(0, 250)}`) }];
  const answer = await fetch(`${origin}/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as { usage: { completion_tokens: number } } };
}

async function timed<T>(act: () => Promise<T>): Promise<[result: T, seconds: number]> {
  const began = performance.now();
  return [await act(), (performance.now() - began) / 1000];
}

async function metadata({ origin }: Container) {
  const answer = await fetch(`${origin}/v1/metadata`);
  return (await answer.json()) as { plan: { threads: number; slots: number }; host: { cpuQuota?: number } };
}

/** The sum of a metric over its labels; NaN where it is missing. */
async function metric({ origin }: Container, name: string): Promise<number> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))].map(([, value]) =>
    Number(value),
  );
  return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0);
}

const stateOf = ({ id }: Container): object => JSON.parse(docker(['inspect', '--format={{json .State}}', id]));

/** A file of the container's cgroup: the first is of version 2, the second of version 1. */
function cgroup({ id }: Container, ...files: [v2: string, v1: string]): string {
  const script = 'for file; do [ ! -e "$file" ] || { cat "$file"; exit; }; done; exit 1';
  return docker(['exec', id, 'sh', '-c', script, 'sh', ...files.map((file) => `/sys/fs/cgroup/${file}`)]);
}

const throttledPeriods = (container: Container): number =>
  Number(/^nr_throttled (\d+)$/m.exec(cgroup(container, 'cpu.stat', 'cpu/cpu.stat'))?.[1]);
