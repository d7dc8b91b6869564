import { setTimeout as delay } from 'node:timers/promises';
import { type Client, openClient } from './client.ts';
import { type Service, startService } from './processes.ts';
import type { Figure } from './report.ts';
import type { Settings } from './settings.ts';
import { exactly, medianInterval, quantile } from './statistics.ts';

/** Two clients of a service: one with large requests, one with small ones. */
export interface FairnessCase {
  /** Entry point of the service. */
  readonly main: string;
  readonly path: string;
  /** JSON of a large request. */
  readonly bulk: (number: number) => string;
  /** JSON of a small request. */
  readonly small: (number: number) => string;
  /** Units of `unit` in the answer to a large request. */
  readonly workOf: (answer: string) => number;
  readonly unit: string;
  /** JSON of a request that is one batch: the most tokens that the engine computes together. */
  readonly batch: (number: number, tokens: number) => string;
}

const KEYS = { bulk: 'bench-bulk', small: 'bench-small' };
/** Small requests are sent in this rhythm, so that their own work costs the bulk client little. */
const RHYTHM_MS = 250;
const SMALL_REQUESTS = 40;
/** Requests by which the time of a batch is measured. */
const BATCHES = 5;

/**
 * What a client with large requests, one after the other without an end, costs a client of another key with small
 * requests, and the other way round: each alone, then both at once. To reach: the 95th percentile of the small requests
 * is at most twice that without the bulk client, plus one batch; the bulk client keeps 95 % of its throughput.
 */
export async function benchFairness(
  settings: Settings,
  fairness: FairnessCase,
  say: (line: string) => void,
): Promise<Figure[]> {
  const service = await startService(fairness.main, { ...settings.env, XIM_API_KEYS: Object.values(KEYS).join() });
  const found = { alone: [] as number[], beside: [] as number[], allowed: [] as number[], share: [] as number[] };
  const rates = { alone: [] as number[], beside: [] as number[] };
  try {
    const { batchTokens } = await planOf(service);
    for (let pair = 0; pair <= settings.pairs; pair++) {
      const { alone, beside } = await runPair(service, fairness, pair % 2 === 0);
      const batchMs = await timeBatch(service, fairness.path, (number) =>
        fairness.batch(pair * BATCHES + number, batchTokens),
      );
      const allowed = 2 * alone.p95 + batchMs;
      say(
        `pair ${pair}: small p95 ${alone.p95.toFixed(1)} → ${beside.p95.toFixed(1)} ms, a batch ${batchMs.toFixed(1)} ms`,
      );
      if (pair === 0) continue;
      found.alone.push(alone.p95);
      found.beside.push(beside.p95);
      found.allowed.push(beside.p95 / allowed);
      found.share.push(beside.rate / alone.rate);
      rates.alone.push(alone.rate);
      rates.beside.push(beside.rate);
    }
  } finally {
    await service.stop();
  }
  const { unit } = fairness;
  return [
    { name: 'small requests alone: p95', unit: 'ms', value: medianInterval(found.alone) },
    { name: 'small requests beside the bulk client: p95', unit: 'ms', value: medianInterval(found.beside) },
    {
      name: 'p95 over twice the p95 alone plus one batch',
      unit: '',
      value: medianInterval(found.allowed),
      target: { at: 'most', value: 1 },
    },
    { name: 'bulk client alone', unit, value: medianInterval(rates.alone) },
    { name: 'bulk client beside small requests', unit, value: medianInterval(rates.beside) },
    {
      name: 'bulk client: ratio',
      unit: '',
      value: medianInterval(found.share),
      target: { at: 'least', value: 0.95 },
    },
    { name: 'pairs', unit: '', value: exactly(settings.pairs) },
  ];
}

interface Run {
  /** Milliseconds. */
  readonly p95: number;
  /** Units of work per second. */
  readonly rate: number;
}

async function runPair(
  service: Service,
  fairness: FairnessCase,
  aloneFirst: boolean,
): Promise<{ alone: Run; beside: Run }> {
  const [bulk, small] = await Promise.all(
    [KEYS.bulk, KEYS.small].map((key) => openClient('127.0.0.1', service.port, key)),
  );
  const apart = async (): Promise<Run> => {
    const p95 = await sendSmall(small!, fairness);
    return { p95, rate: await sendBulk(bulk!, fairness, delay(SMALL_REQUESTS * RHYTHM_MS)) };
  };
  const together = async (): Promise<Run> => {
    const smalls = sendSmall(small!, fairness);
    const rate = await sendBulk(bulk!, fairness, smalls);
    return { p95: await smalls, rate };
  };
  try {
    const first = aloneFirst ? await apart() : await together();
    const second = aloneFirst ? await together() : await apart();
    return aloneFirst ? { alone: first, beside: second } : { alone: second, beside: first };
  } finally {
    bulk!.close();
    small!.close();
  }
}

/** The 95th percentile of small requests, in milliseconds. */
async function sendSmall(client: Client, { path, small }: FairnessCase): Promise<number> {
  const times: number[] = [];
  const start = performance.now();
  for (let number = 0; number < SMALL_REQUESTS; number++) {
    await delay(Math.max(0, start + number * RHYTHM_MS - performance.now()));
    const sent = performance.now();
    const answer = await post(client, path, small(number));
    times.push(answer.last - sent);
  }
  return quantile(times, 0.95);
}

/** Work per second of large requests, sent one after the other until `until` is settled; at least one. */
async function sendBulk(
  client: Client,
  { path, bulk, workOf }: FairnessCase,
  until: Promise<unknown>,
): Promise<number> {
  let over = false;
  void until.finally(() => (over = true)).catch(() => undefined);
  let work = 0;
  const start = performance.now();
  for (let number = 0; !over; number++) work += workOf((await post(client, path, bulk(number))).body);
  return work / ((performance.now() - start) / 1000);
}

/** Milliseconds of a request that is one batch, alone. */
async function timeBatch({ port }: Service, path: string, batch: (number: number) => string): Promise<number> {
  const client = await openClient('127.0.0.1', port, KEYS.small);
  const times: number[] = [];
  try {
    for (let number = 0; number < BATCHES; number++) {
      const sent = performance.now();
      times.push((await post(client, path, batch(number))).last - sent);
    }
  } finally {
    client.close();
  }
  return quantile(times, 0.5);
}

async function post(client: Client, path: string, json: string): Promise<{ body: string; last: number }> {
  const answer = await client.post(path, json);
  if (answer.status !== 200) throw new Error(`the service answered ${answer.status}: ${answer.body.slice(0, 500)}`);
  return answer;
}

async function planOf(service: Service): Promise<{ batchTokens: number }> {
  const url = `http://127.0.0.1:${service.port}/v1/metadata`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${KEYS.small}` } });
  return ((await answer.json()) as { plan: { batchTokens: number } }).plan;
}
