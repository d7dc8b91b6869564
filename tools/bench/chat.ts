import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bestBare } from './best-bare.ts';
import { CHAT_KINDS, type ChatKind } from './chat-kinds.ts';
import { benchFairness, type FairnessCase } from './fairness.ts';
import { benchGaps } from './gaps.ts';
import { benchHostCost } from './host-cost.ts';
import { runLoad } from './load.ts';
import { type Bare, type Service, startService } from './processes.ts';
import { type Figure, latency } from './report.ts';
import { benchSchemaCost } from './schema-cost.ts';
import type { Settings } from './settings.ts';
import { benchSpeculation } from './speculation.ts';
import { benchStalls, type StallCase } from './stalls.ts';
import { exactly, medianInterval, quantile } from './statistics.ts';

interface BareRun {
  readonly tokens: number;
  readonly seconds: number;
  readonly first: readonly number[];
  readonly perToken: readonly number[];
}

const MESSAGE = 'Tell me {number} facts about the sea.';
const TOKENS = 64;
/** Milliseconds by which the first token may come later than from the bare loop, in the middle of 8 clients. */
const LATER_MS = 2;
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
  batch: (number, tokens) =>
    toCompletion(
      Array.from({ length: tokens }, (_, i) => 1000 + ((number * 7919 + i * (number + 1)) % 40_000)),
      1,
    ),
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
 * The kinds `fairness`, `stalls`, `gaps` and `speculation` measure one property of the service each.
 */
export async function benchChat(settings: Settings, say: (line: string) => void): Promise<Figure[]> {
  if (settings.kinds.includes('fairness')) return benchFairness(settings, FAIRNESS, say);
  if (settings.kinds.includes('stalls')) return benchStalls(settings, MAIN, STALLS, say);
  if (settings.kinds.includes('speculation')) return benchSpeculation(settings, say);
  if (settings.kinds.includes('gaps')) {
    const service = await startService(MAIN, settings.env);
    return benchGaps(service, settings.pairs, say).finally(() => service.stop());
  }
  const figures = await againstBare(settings, say);
  return [...figures, ...(await benchHostCost(say))];
}

async function againstBare(settings: Settings, say: (line: string) => void): Promise<Figure[]> {
  const service = await startService(MAIN, { ...settings.env, ...(settings.model && { XIM_MODEL: settings.model }) });
  const kinds = CHAT_KINDS.filter(({ name }) => settings.kinds.includes(name));
  const figures: Figure[] = [];
  try {
    // Node compiles frequent code: a service is measured after a warm-up, not in its first second.
    for (let run = 0; run < 3; run++) await runChat(service, toRequest(MESSAGE, TOKENS), 32, 0);
    // Prompts and single tokens may want different numbers of threads.
    for (const forPrompts of [false, true]) {
      const alike = kinds.filter(({ tokens }) => (tokens === 1) === forPrompts);
      if (alike.length === 0) continue;
      const { bare, threads } = await startBest(settings, await schedulerOf(service), forPrompts, say);
      figures.push({
        name: `threads of the bare loop for ${forPrompts ? 'prompts' : 'answers'}`,
        unit: '',
        value: exactly(threads),
      });
      for (const kind of alike)
        for (const clients of settings.clients)
          figures.push(...(await compare(service, bare, kind, clients, settings.pairs, say)));
      await bare.stop();
    }
    if (settings.kinds.includes('schema')) figures.push(...(await benchSchemaCost(service, settings.pairs, say)));
  } finally {
    await service.stop();
  }
  return figures;
}

/** A number makes each prompt different, so that only the beginning of a prompt is in the prefix cache. */
let offset = 1000;

async function compare(
  service: Service,
  bare: Bare,
  kind: ChatKind,
  clients: number,
  pairs: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  const { constraint, least, message = MESSAGE, tokens = TOKENS } = kind;
  const request = { ...toRequest(message, tokens), ...kind.request };
  const prompt = await templatedPrompt(service, request);
  /** Tokens of the prompt where these are the work, for each token of an answer. */
  const scale = tokens === 1 ? prompt.tokens : 1;
  const runBare = () => {
    const requests = REQUESTS[clients] ?? 2 * clients;
    return bare.ask<BareRun>({ streams: clients, requests, tokens, offset, prompt: prompt.text, constraint });
  };
  const rate = (run: BareRun): number => (run.tokens * scale) / run.seconds;
  const found = { ratio: [] as number[], xim: [] as number[], bare: [] as number[], later: [] as number[] };
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
    say(
      `${kind.name}, ${clients} clients, pair ${pair}: ${rate(ours).toFixed()} tokens/s, bare ${rate(theirs).toFixed()}`,
    );
    if (pair === 0) continue;
    found.ratio.push(rate(ours) / rate(theirs));
    found.xim.push(rate(ours));
    found.bare.push(rate(theirs));
    found.later.push((quantile(ours.first, 0.5) - quantile(theirs.first, 0.5)) * 1000);
    times.first.push(...ours.first);
    times.perToken.push(...ours.perToken);
    times.bareFirst.push(...theirs.first);
    times.barePerToken.push(...theirs.perToken);
    cpu.host += after.host - before.host;
    cpu.worker += after.worker - before.worker;
    cpu.tokens += ours.tokens * scale;
  }
  const name = `${kind.name}, ${clients} ${clients === 1 ? 'client' : 'clients'}`;
  const later = kind.name === 'plain' && clients === 8 ? ({ at: 'most', value: LATER_MS } as const) : undefined;
  return [
    { name: `${name}: XIM`, unit: 'tokens/s', value: medianInterval(found.xim) },
    { name: `${name}: bare loop`, unit: 'tokens/s', value: medianInterval(found.bare) },
    { name: `${name}: ratio`, unit: '', value: medianInterval(found.ratio), target: { at: 'least', value: least } },
    { name: `${name}: first token after bare`, unit: 'ms', value: medianInterval(found.later), target: later },
    ...latency(`${name}: time to first token`, times.first),
    ...latency(`${name}: bare time to first token`, times.bareFirst),
    ...(tokens === 1
      ? []
      : [
          ...latency(`${name}: time per token`, times.perToken),
          ...latency(`${name}: bare time per token`, times.barePerToken),
        ]),
    { name: `${name}: host CPU per token`, unit: 'µs', value: exactly((cpu.host / cpu.tokens) * 1e6) },
    { name: `${name}: worker CPU per token`, unit: 'µs', value: exactly((cpu.worker / cpu.tokens) * 1e6) },
  ];
}

/** The prompt as the model's template writes it, with `{number}` where prompts differ. */
async function templatedPrompt(service: Service, request: object): Promise<{ text: string; tokens: number }> {
  const answer = await fetch(`http://127.0.0.1:${service.port}/chat_tokenize`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  if (!answer.ok) throw new Error(`/chat_tokenize answered ${answer.status}: ${await answer.text()}`);
  const found = (await answer.json()) as { templated_text: string; tokenize_response: readonly unknown[] };
  return { text: found.templated_text, tokens: found.tokenize_response.length };
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

async function startBest(settings: Settings, scheduler: object, forPrompts: boolean, say: (line: string) => void) {
  const folder = settings.model ?? (await settings.modelFolder('chat'));
  const gguf = readdirSync(folder).find((name) => name.endsWith('.gguf'));
  const file = gguf === undefined ? folder : join(folder, gguf);
  let number = 0;
  const speed = async (bare: Bare): Promise<number> => {
    const prompt = forPrompts ? `{number}: ${'the sea is deep, '.repeat(100)}` : 'Fact {number}: the sea';
    const tokens = forPrompts ? 1 : 32;
    const run = await bare.ask<BareRun>({ streams: 8, requests: 8, tokens, offset: (number += 100), prompt });
    return run.tokens / run.seconds;
  };
  return bestBare(settings, 'bare_chat.py', [file, JSON.stringify(scheduler)], speed, say);
}

function runChat(service: Service, request: Readonly<Record<string, unknown>>, clients: number, first: number) {
  const text = JSON.stringify(request);
  return runLoad({
    port: service.port,
    path: '/v1/chat/completions',
    clients,
    requests: REQUESTS[clients] ?? 2 * clients,
    body: (number) => JSON.parse(text.replace('{number}', String(first + number))) as object,
  });
}

const toRequest = (message: string, tokens: number) => ({
  model: 'gpt-4o-mini',
  messages: [{ role: 'user', content: message }],
  temperature: 0,
  max_completion_tokens: tokens,
  stream: true,
  stream_options: { include_usage: true },
});
