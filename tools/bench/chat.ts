import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bestBare } from './best-bare.ts';
import { benchHostCost } from './host-cost.ts';
import { runLoad } from './load.ts';
import { type Bare, type Service, startService } from './processes.ts';
import { type Figure, latency } from './report.ts';
import type { Settings } from './settings.ts';
import { exactly, medianInterval } from './statistics.ts';

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
  return [...figures, ...(await benchHostCost(say))];
}

async function againstBare(settings: Settings, say: (line: string) => void): Promise<Figure[]> {
  const service = await startService('apps/chat/src/main.ts', settings.env);
  const { bare, threads } = await startBest(
    settings,
    await settings.modelFolder('chat'),
    await schedulerOf(service),
    say,
  );
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

function startBest(settings: Settings, folder: string, scheduler: object, say: (line: string) => void) {
  const file = join(folder, readdirSync(folder).find((name) => name.endsWith('.gguf')) ?? '');
  let offset = 0;
  const speed = async (bare: Bare): Promise<number> => {
    const run = await bare.ask<BareRun>({ streams: 8, requests: 8, tokens: 32, offset: (offset += 100) });
    return run.tokens / run.seconds;
  };
  return bestBare(settings, 'bare_chat.py', [file, JSON.stringify(scheduler)], speed, say);
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
