import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runLoad } from './load.ts';
import { type Bare, ROOT, type Service, startBare, startService } from './processes.ts';
import { type Figure, latency } from './report.ts';
import type { Settings } from './settings.ts';
import { exactly, medianInterval, quantile } from './statistics.ts';

interface BareRun {
  readonly tokens: number;
  readonly seconds: number;
  readonly first: readonly number[];
  readonly perToken: readonly number[];
}

const TOKENS = 64;
/** Requests per run: enough for a steady state, few enough for seven pairs. */
const REQUESTS: Readonly<Record<number, number>> = { 1: 3, 8: 16, 32: 64 };

/** Chat on the real model, against the bare loop over the same library; then what the host itself costs, on engine-echo. */
export async function benchChat(settings: Settings, say: (line: string) => void): Promise<Figure[]> {
  const figures = await againstBare(settings, say);
  return [...figures, ...(await onEcho(say))];
}

async function againstBare(settings: Settings, say: (line: string) => void): Promise<Figure[]> {
  const service = await startService('apps/chat/src/main.ts', settings.env);
  const { bare, threads } = await bestBare(settings, await schedulerOf(service), say);
  const figures: Figure[] = [{ name: 'threads of the bare loop', unit: '', value: exactly(threads) }];
  let offset = 1000;
  const runBare = (clients: number) =>
    bare.ask<BareRun>({ streams: clients, requests: REQUESTS[clients] ?? 2 * clients, tokens: TOKENS, offset });
  try {
    // Node compiles what runs often: a service is measured as it is after a while, not in its first second.
    for (let run = 0; run < 3; run++) await runChat(service, 32, 0);
    for (const clients of settings.clients) {
      const ratios: number[] = [];
      const rates = { xim: [] as number[], bare: [] as number[] };
      const times = {
        first: [] as number[],
        perToken: [] as number[],
        bareFirst: [] as number[],
        barePerToken: [] as number[],
      };
      const cpu = { host: 0, worker: 0, tokens: 0 };
      // The first pair warms both and is not counted.
      for (let pair = 0; pair <= settings.pairs; pair++) {
        const order = pair % 2 === 0;
        const first = order ? await runBare(clients) : undefined;
        const before = service.cpu();
        const ours = await runChat(service, clients, offset);
        const after = service.cpu();
        const theirs = first ?? (await runBare(clients));
        offset += 1000;
        say(`${clients} clients, pair ${pair}: ${rate(ours)} tokens/s, bare ${rate(theirs)}`);
        if (pair === 0) continue;
        ratios.push(ours.tokens / ours.seconds / (theirs.tokens / theirs.seconds));
        rates.xim.push(ours.tokens / ours.seconds);
        rates.bare.push(theirs.tokens / theirs.seconds);
        times.first.push(...ours.first);
        times.perToken.push(...ours.perToken);
        times.bareFirst.push(...theirs.first);
        times.barePerToken.push(...theirs.perToken);
        cpu.host += after.host - before.host;
        cpu.worker += after.worker - before.worker;
        cpu.tokens += ours.tokens;
      }
      const name = `${clients} ${clients === 1 ? 'client' : 'clients'}`;
      figures.push(
        { name: `${name}: XIM`, unit: 'tokens/s', value: medianInterval(rates.xim) },
        { name: `${name}: bare loop`, unit: 'tokens/s', value: medianInterval(rates.bare) },
        { name: `${name}: ratio`, unit: '', value: medianInterval(ratios), target: { at: 'least', value: 0.95 } },
        ...latency(`${name}: time to first token`, times.first),
        ...latency(`${name}: bare time to first token`, times.bareFirst),
        ...latency(`${name}: time per token`, times.perToken),
        ...latency(`${name}: bare time per token`, times.barePerToken),
        { name: `${name}: host CPU per token`, unit: 'µs', value: exactly((cpu.host / cpu.tokens) * 1e6) },
        { name: `${name}: worker CPU per token`, unit: 'µs', value: exactly((cpu.worker / cpu.tokens) * 1e6) },
      );
    }
  } finally {
    await service.stop();
    await bare.stop();
  }
  return figures;
}

/** The scheduler settings that the service's plan comes to, so that both run the library alike. */
async function schedulerOf(service: Service): Promise<object> {
  const answer = await fetch(`http://127.0.0.1:${service.port}/v1/metadata`);
  const { plan } = (await answer.json()) as { plan: { kvCacheBytes: number; slots: number; batchTokens: number } };
  return {
    cache_size: Math.max(1, Math.ceil(plan.kvCacheBytes / 2 ** 30)),
    max_num_seqs: plan.slots,
    max_num_batched_tokens: plan.batchTokens,
    dynamic_split_fuse: true,
    enable_prefix_caching: true,
  };
}

/** The bare loop with the thread count that is fastest here, found by trying; the others are stopped. */
async function bestBare(
  settings: Settings,
  scheduler: object,
  say: (line: string) => void,
): Promise<{ bare: Bare; threads: number }> {
  const folder = await settings.modelFolder('chat');
  const file = join(folder, readdirSync(folder).find((name) => name.endsWith('.gguf')) ?? '');
  let best: { bare: Bare; threads: number; speed: number } | undefined;
  for (const threads of settings.threads) {
    const bare = startBare(settings.python, join(ROOT, 'tools/bench/bare_chat.py'), [
      file,
      JSON.stringify(scheduler),
      String(threads),
    ]);
    const question = { streams: 8, requests: 8, tokens: 32, offset: 0 };
    await bare.ask<BareRun>(question);
    const run = await bare.ask<BareRun>({ ...question, offset: 100 });
    const speed = run.tokens / run.seconds;
    say(`bare loop with ${threads} threads: ${speed.toFixed(0)} tokens/s`);
    if (best === undefined || speed > best.speed) {
      await best?.bare.stop();
      best = { bare, threads, speed };
    } else {
      await bare.stop();
    }
  }
  if (best === undefined) throw new Error('no thread count to try');
  return best;
}

/** What the host adds and costs, with an engine that takes no time: engine-echo through a whole service. */
async function onEcho(say: (line: string) => void): Promise<Figure[]> {
  // At a real engine's pace every token is a write of its own; an engine in a hurry would let them be joined.
  const paced = await withEcho('50', async (service) => {
    const costs: number[] = [];
    for (let run = 0; run <= 5; run++) {
      const before = service.cpu();
      const { tokens } = await runEcho(service, 32, 32, 200);
      const cost = ((service.cpu().host - before.host) / tokens) * 1e6;
      say(`engine-echo, 32 streams at 50 tokens/s each: ${cost.toFixed(1)} µs of host CPU per token`);
      if (run > 0) costs.push(cost);
    }
    return costs;
  });
  const [firsts, many] = await withEcho('1000', async (service) => {
    await runEcho(service, 8, 80, 50);
    const eight: number[] = [];
    for (let run = 0; run < 7; run++) eight.push(quantile((await runEcho(service, 8, 80, 50)).first, 0.5) * 1000);
    say('engine-echo, 256 open streams');
    return [eight, await runEcho(service, 256, 512, 200)] as const;
  });
  const most = (value: number) => ({ at: 'most', value }) as const;
  return [
    { name: 'echo, 32 streams: host CPU per token', unit: 'µs', value: medianInterval(paced), target: most(25) },
    { name: 'echo, 8 streams: added time to first token', unit: 'ms', value: medianInterval(firsts), target: most(3) },
    {
      name: 'echo, 256 streams: requests answered without an error',
      unit: 'of 512',
      value: exactly(many.first.length),
      target: { at: 'least', value: 512 },
    },
  ];
}

async function withEcho<T>(rate: string, measure: (service: Service) => Promise<T>): Promise<T> {
  const service = await startService('tools/bench/echo-service.ts', {
    XIM_SLOTS: '256',
    XIM_QUEUE: '256',
    BENCH_RATE: rate,
  });
  try {
    return await measure(service);
  } finally {
    await service.stop();
  }
}

function runEcho(service: Service, clients: number, requests: number, tokens: number) {
  return runLoad({
    port: service.port,
    path: '/v1/chat/completions',
    clients,
    requests,
    body: () => toRequest('xim/echo-generate', 'a rose is a rose is a rose '.repeat(tokens / 8), tokens),
  });
}

function runChat(service: Service, clients: number, offset: number) {
  return runLoad({
    port: service.port,
    path: '/v1/chat/completions',
    clients,
    requests: REQUESTS[clients] ?? 2 * clients,
    body: (number) => toRequest('gpt-4o-mini', `Tell me ${offset + number} facts about the sea.`, TOKENS),
  });
}

const toRequest = (model: string, content: string, tokens: number): object => ({
  model,
  messages: [{ role: 'user', content }],
  temperature: 0,
  max_completion_tokens: tokens,
  stream: true,
  stream_options: { include_usage: true },
});

const rate = ({ tokens, seconds }: { tokens: number; seconds: number }): string => (tokens / seconds).toFixed(0);
