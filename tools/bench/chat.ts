import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bestBare } from './best-bare.ts';
import { CHAT_KINDS, type ChatKind } from './chat-kinds.ts';
import { benchFairness, type FairnessCase } from './fairness.ts';
import { benchHostCost } from './host-cost.ts';
import { runLoad } from './load.ts';
import { type Bare, type Service, startService } from './processes.ts';
import { type Figure, latency } from './report.ts';
import { benchSchemaCost } from './schema-cost.ts';
import type { Settings } from './settings.ts';
import { benchStalls, type StallCase } from './stalls.ts';
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

const MAIN = 'apps/chat/src/main.ts';

/** Prompts of a large request, each with an answer of `TOKENS`. */
const BULK_PROMPTS = 128;

/** A small request asks for one token: its time is the time to the first token. */
const FAIRNESS: FairnessCase = {
  main: MAIN,
  path: '/v1/completions',
  bulk: (number) =>
    toCompletion(
      Array.from({ length: BULK_PROMPTS }, (_, i) => `Story ${number}.${i}:`),
      TOKENS,
    ),
  small: (number) => toCompletion([`Question ${number}:`], 1),
  workOf: (answer) => (JSON.parse(answer) as { usage: { completion_tokens: number } }).usage.completion_tokens,
  unit: 'tokens/s',
  batchWork: ({ slots }) => slots,
};

const STALLS: readonly StallCase[] = [
  {
    name: 'a list of tokens',
    path: '/v1/completions',
    body: toCompletion(
      Array.from({ length: 1_000_000 }, (_, i) => 100 + (i % 800)),
      1,
    ),
  },
  { name: 'a text', path: '/v1/completions', body: toCompletion('word '.repeat(800_000), 1) },
];

function toCompletion(prompt: string | readonly string[] | readonly number[], tokens: number): string {
  return JSON.stringify({ model: 'gpt-4o-mini', prompt, max_tokens: tokens, ignore_eos: true });
}

/**
 * Chat on the real model, against the bare loop over the same library; then the host alone, on engine-echo.
 * The kinds `fairness` and `stalls` measure single prompts beside lists of prompts, and the reading of large bodies.
 */
export async function benchChat(settings: Settings, say: (line: string) => void): Promise<Figure[]> {
  if (settings.kinds.includes('fairness')) return benchFairness(settings, FAIRNESS, say);
  if (settings.kinds.includes('stalls')) return benchStalls(settings, MAIN, STALLS, say);
  const figures = await againstBare(settings, say);
  return [...figures, ...(await benchHostCost(say))];
}

async function againstBare(settings: Settings, say: (line: string) => void): Promise<Figure[]> {
  const service = await startService(MAIN, settings.env);
  const { bare, threads } = await startBest(settings, await schedulerOf(service), say);
  const figures: Figure[] = [{ name: 'threads of the bare loop', unit: '', value: exactly(threads) }];
  try {
    // Node compiles frequent code: a service is measured after a warm-up, not in its first second.
    for (let run = 0; run < 3; run++) await runChat(service, {}, 32, 0);
    for (const kind of CHAT_KINDS.filter(({ name }) => settings.kinds.includes(name)))
      for (const clients of settings.clients)
        figures.push(...(await compare(service, bare, kind, clients, settings.pairs, say)));
    if (settings.kinds.includes('schema')) figures.push(...(await benchSchemaCost(service, settings.pairs, say)));
  } finally {
    await service.stop();
    await bare.stop();
  }
  return figures;
}

/** A number makes each prompt different, so that only the beginning of a prompt is in the prefix cache. */
let offset = 1000;

async function compare(
  service: Service,
  bare: Bare,
  { name: kind, request, constraint, least }: ChatKind,
  clients: number,
  pairs: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  const prompt = await templatedPrompt(service, request);
  const runBare = () => {
    const requests = REQUESTS[clients] ?? 2 * clients;
    return bare.ask<BareRun>({ streams: clients, requests, tokens: TOKENS, offset, prompt, constraint });
  };
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
  for (let pair = 0; pair <= pairs; pair++) {
    const first = pair % 2 === 0 ? await runBare() : undefined;
    const before = service.cpu();
    const ours = await runChat(service, request, clients, offset);
    const after = service.cpu();
    const theirs = first ?? (await runBare());
    offset += 1000;
    say(`${kind}, ${clients} clients, pair ${pair}: ${rate(ours)} tokens/s, bare ${rate(theirs)}`);
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
  const name = `${kind}, ${clients} ${clients === 1 ? 'client' : 'clients'}`;
  return [
    { name: `${name}: XIM`, unit: 'tokens/s', value: medianInterval(rates.xim) },
    { name: `${name}: bare loop`, unit: 'tokens/s', value: medianInterval(rates.bare) },
    { name: `${name}: ratio`, unit: '', value: medianInterval(ratios), target: { at: 'least', value: least } },
    ...latency(`${name}: time to first token`, times.first),
    ...latency(`${name}: bare time to first token`, times.bareFirst),
    ...latency(`${name}: time per token`, times.perToken),
    ...latency(`${name}: bare time per token`, times.barePerToken),
    { name: `${name}: host CPU per token`, unit: 'µs', value: exactly((cpu.host / cpu.tokens) * 1e6) },
    { name: `${name}: worker CPU per token`, unit: 'µs', value: exactly((cpu.worker / cpu.tokens) * 1e6) },
  ];
}

/** The prompt as the model's template writes it, with `{number}` where prompts differ. */
async function templatedPrompt(service: Service, request: object): Promise<string> {
  const { messages } = toRequest('{number}');
  const answer = await fetch(`http://127.0.0.1:${service.port}/chat_tokenize`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages, ...request }),
  });
  if (!answer.ok) throw new Error(`/chat_tokenize answered ${answer.status}: ${await answer.text()}`);
  return ((await answer.json()) as { templated_text: string }).templated_text;
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

async function startBest(settings: Settings, scheduler: object, say: (line: string) => void) {
  const folder = await settings.modelFolder('chat');
  const file = join(folder, readdirSync(folder).find((name) => name.endsWith('.gguf')) ?? '');
  let number = 0;
  const speed = async (bare: Bare): Promise<number> => {
    const question = { streams: 8, requests: 8, tokens: 32, offset: (number += 100), prompt: 'Fact {number}: the sea' };
    const run = await bare.ask<BareRun>(question);
    return run.tokens / run.seconds;
  };
  return bestBare(settings, 'bare_chat.py', [file, JSON.stringify(scheduler)], speed, say);
}

function runChat(service: Service, request: object, clients: number, first: number) {
  return runLoad({
    port: service.port,
    path: '/v1/chat/completions',
    clients,
    requests: REQUESTS[clients] ?? 2 * clients,
    body: (number) => ({ ...toRequest(first + number), ...request }),
  });
}

const toRequest = (number: number | string) => ({
  model: 'gpt-4o-mini',
  messages: [{ role: 'user', content: `Tell me ${number} facts about the sea.` }],
  temperature: 0,
  max_completion_tokens: TOKENS,
  stream: true,
  stream_options: { include_usage: true },
});

const rate = ({ tokens, seconds }: { tokens: number; seconds: number }): string => (tokens / seconds).toFixed(0);
