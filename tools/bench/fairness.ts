import { type Client, openClient } from './client.ts';
import { type Service, startService } from './processes.ts';
import type { Figure } from './report.ts';
import type { Settings } from './settings.ts';
import { exactly, medianInterval, quantile } from './statistics.ts';

const PATH = '/v1/embeddings';
/** Texts of the largest request that the API takes. */
const BULK_TEXTS = 2048;
const SHORT_REQUESTS = 100;

/**
 * What a client with lists of 2,048 texts costs one with single texts, and the other way round: each alone, then both
 * at once. A single text should wait for about one batch of the others.
 */
export async function benchFairness(
  settings: Settings,
  text: (number: number) => string,
  say: (line: string) => void,
): Promise<Figure[]> {
  const service = await startService('apps/embedding/src/main.ts', settings.env);
  const bulk = toBody(Array.from({ length: BULK_TEXTS }, (_, number) => text(number)));
  const short = toBody('seven bright stars');
  const p95 = { alone: [] as number[], beside: [] as number[] };
  const rates = { alone: [] as number[], beside: [] as number[] };
  try {
    for (let pair = 0; pair <= settings.pairs; pair++) {
      const [alone, beside] = await withClients(service, async (one, other) => {
        const shortAlone = await send(one, short, (sent) => sent < SHORT_REQUESTS);
        const bulkAlone = await send(other, bulk, (sent) => sent < 1);
        let bulkRuns = true;
        const both = await Promise.all([
          send(one, short, () => bulkRuns),
          send(other, bulk, (sent) => sent < 1).finally(() => (bulkRuns = false)),
        ]);
        return [[shortAlone, bulkAlone], both] as const;
      });
      const figures = [alone, beside].map(([shorts, bulks]) => ({
        p95: quantile(shorts, 0.95) * 1000,
        rate: BULK_TEXTS / quantile(bulks, 0.5),
      }));
      const [apart, together] = [figures[0]!, figures[1]!];
      say(`pair ${pair}: single p95 ${apart.p95.toFixed(1)} → ${together.p95.toFixed(1)} ms`);
      if (pair === 0) continue;
      p95.alone.push(apart.p95);
      p95.beside.push(together.p95);
      rates.alone.push(apart.rate);
      rates.beside.push(together.rate);
    }
  } finally {
    await service.stop();
  }
  return [
    { name: 'single texts alone: p95', unit: 'ms', value: medianInterval(p95.alone) },
    { name: `single texts beside lists of ${BULK_TEXTS}: p95`, unit: 'ms', value: medianInterval(p95.beside) },
    { name: `lists of ${BULK_TEXTS} alone`, unit: 'texts/s', value: medianInterval(rates.alone) },
    { name: `lists of ${BULK_TEXTS} beside single texts`, unit: 'texts/s', value: medianInterval(rates.beside) },
    { name: 'pairs', unit: '', value: exactly(settings.pairs) },
  ];
}

function toBody(input: string | string[]): string {
  return JSON.stringify({ model: 'text-embedding-3-small', input, encoding_format: 'base64' });
}

async function withClients<T>(service: Service, run: (one: Client, other: Client) => Promise<T>): Promise<T> {
  const [one, other] = [await openClient('127.0.0.1', service.port), await openClient('127.0.0.1', service.port)];
  try {
    return await run(one, other);
  } finally {
    one.close();
    other.close();
  }
}

/** Sends the same request again and again, at least once; seconds of each. */
async function send(client: Client, json: string, again: (sent: number) => boolean): Promise<number[]> {
  const seconds: number[] = [];
  do {
    const sent = performance.now();
    const { status, body, last } = await client.post(PATH, json);
    if (status !== 200) throw new Error(`the service answered ${status}: ${body.slice(0, 500)}`);
    seconds.push((last - sent) / 1000);
  } while (again(seconds.length));
  return seconds;
}
