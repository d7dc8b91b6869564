import { setTimeout as delay } from 'node:timers/promises';
import { listSchema, toFormat } from './chat-kinds.ts';
import { type Client, openClient } from './client.ts';
import type { Service } from './processes.ts';
import type { Figure } from './report.ts';
import { medianInterval, quantile } from './statistics.ts';

const STREAMS = 8;
const TOKENS = 256;
const WINDOW_MS = 14_400;
/** 50 further requests per minute. */
const RHYTHM_MS = 1200;
/** A body just below the limit of the service, of a prompt that no context takes. */
const LONG_PROMPT = 'word '.repeat(780_000);
const PATH = '/v1/chat/completions';

/** Requests beside the streams. */
type Beside = 'nothing' | 'plain requests' | 'new schemas';
const CASES: readonly Beside[] = ['nothing', 'plain requests', 'new schemas'];

let number = 0;

/**
 * The 99th percentile of the time between tokens of 8 streams: alone, beside 50 plain requests per minute, and beside
 * as many requests with a schema that the service has not seen and one prompt of 3.9 MB. The last two cost the model
 * the same work, so their ratio is what the compiling of schemas and the reading of the prompt cost the streams.
 */
export async function benchGaps(service: Service, pairs: number, say: (line: string) => void): Promise<Figure[]> {
  const found: Record<Beside, number[]> = { nothing: [], 'plain requests': [], 'new schemas': [] };
  const ratios: number[] = [];
  for (let pair = 0; pair <= pairs; pair++) {
    const of: Partial<Record<Beside, number>> = {};
    for (const beside of pair % 2 === 0 ? CASES : CASES.toReversed()) of[beside] = await p99(service, beside);
    say(`pair ${pair}: p99 between tokens ${CASES.map((beside) => `${of[beside]!.toFixed(1)} ms (${beside})`).join()}`);
    if (pair === 0) continue;
    for (const beside of CASES) found[beside].push(of[beside]!);
    ratios.push(of['new schemas']! / of['plain requests']!);
  }
  const name = `${STREAMS} streams, p99 between tokens`;
  return [
    ...CASES.map((beside) => ({ name: `${name}, beside ${beside}`, unit: 'ms', value: medianInterval(found[beside]) })),
    {
      name: `${name}: new schemas over plain requests`,
      unit: '',
      value: medianInterval(ratios),
      target: { at: 'most', value: 1.2 },
    },
  ];
}

/** Milliseconds, over a window of time in which all streams run. */
async function p99({ port }: Service, beside: Beside): Promise<number> {
  const clients = await Promise.all(Array.from({ length: STREAMS + 2 }, () => openClient('127.0.0.1', port)));
  const [guest, sender, ...streams] = clients as [Client, Client, ...Client[]];
  const until = performance.now() + WINDOW_MS;
  const gaps: number[] = [];
  try {
    await Promise.all([
      ...streams.map(async (client) => {
        while (performance.now() < until) {
          let last = 0;
          await post(client, toBody({ max_completion_tokens: TOKENS, ignore_eos: true }), (at) => {
            if (last > 0 && at < until) gaps.push(at - last);
            last = at;
          });
        }
      }),
      beside === 'nothing' ? undefined : sendGuests(guest, beside, until),
      beside === 'new schemas' ? sendLongPrompt(sender, until - WINDOW_MS / 2) : undefined,
    ]);
  } finally {
    for (const client of clients) client.close();
  }
  return quantile(gaps, 0.99);
}

async function sendGuests(client: Client, beside: Beside, until: number): Promise<void> {
  for (let next = performance.now(); next < until; next += RHYTHM_MS) {
    await delay(Math.max(0, next - performance.now()));
    const format = beside === 'new schemas' ? { response_format: toFormat(listSchema(`facts_${number++}`)) } : {};
    await post(client, toBody({ max_completion_tokens: 4, ...format }));
  }
}

async function sendLongPrompt(client: Client, at: number): Promise<void> {
  await delay(Math.max(0, at - performance.now()));
  const { status } = await client.post(PATH, toBody({ messages: [{ role: 'user', content: LONG_PROMPT }] }));
  if (status !== 400) throw new Error(`the prompt of 3.9 MB was answered ${status}; expected 400`);
}

async function post(client: Client, json: string, onContent?: (at: number) => void): Promise<void> {
  const { status, body } = await client.post(PATH, json, onContent);
  if (status !== 200) throw new Error(`the service answered ${status}: ${body.slice(0, 500)}`);
}

function toBody(more: object): string {
  const messages = [{ role: 'user', content: `Tell me ${number++} facts about the sea.` }];
  return JSON.stringify({ model: 'gpt-4o-mini', messages, temperature: 0, stream: true, ...more });
}
