import { bestBare } from './best-bare.ts';
import { benchFairness, type FairnessCase } from './fairness.ts';
import { runLoad } from './load.ts';
import { type Bare, type Service, startService } from './processes.ts';
import { type Figure, latency } from './report.ts';
import type { Settings } from './settings.ts';
import { benchStalls, type StallCase } from './stalls.ts';
import { exactly, medianInterval, quantile } from './statistics.ts';

interface BareRun {
  readonly texts: number;
  readonly seconds: number;
  readonly calls: readonly number[];
}

const MAIN = 'apps/embedding/src/main.ts';
/** Single-text requests per run. */
const REQUESTS: Readonly<Record<number, number>> = { 1: 100, 8: 400, 32: 1600 };

/**
 * Embeddings of single texts from many clients, against the bare loop over batches of 32 of the same texts; with the
 * kind `fairness` or `stalls` instead single texts beside lists of thousands, or the reading of large bodies.
 */
export async function benchEmbedding(settings: Settings, say: (line: string) => void): Promise<Figure[]> {
  if (settings.kinds.includes('fairness')) return benchFairness(settings, FAIRNESS, say);
  if (settings.kinds.includes('stalls')) return benchStalls(settings, MAIN, STALLS, say);
  const service = await startService(MAIN, settings.env);
  const { bare, threads } = await startBest(settings, await settings.modelFolder('embedding'), say);
  const figures: Figure[] = [{ name: 'threads of the bare loop', unit: '', value: exactly(threads) }];
  try {
    for (const clients of settings.clients)
      figures.push(...(await compare(service, bare, clients, settings.pairs, say)));
  } finally {
    await service.stop();
    await bare.stop();
  }
  return figures;
}

async function compare(
  service: Service,
  bare: Bare,
  clients: number,
  pairs: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  const requests = REQUESTS[clients] ?? 50 * clients;
  // One client is compared with single texts; many with the batches that would serve them all at once.
  const batch = clients === 1 ? 1 : 32;
  const list = Array.from({ length: requests }, (_, number) => text(number));
  const ratios: number[] = [];
  const added: number[] = [];
  const rates = { xim: [] as number[], bare: [] as number[] };
  const total: number[] = [];
  const cpu = { host: 0, worker: 0, texts: 0 };
  for (let pair = 0; pair <= pairs; pair++) {
    const first = pair % 2 === 0 ? await bare.ask<BareRun>({ texts: list, batch }) : undefined;
    const before = service.cpu();
    const ours = await runLoad({
      port: service.port,
      path: '/v1/embeddings',
      clients,
      requests,
      body: (number) => ({ model: 'text-embedding-3-small', input: text(number), encoding_format: 'base64' }),
    });
    const after = service.cpu();
    const theirs = first ?? (await bare.ask<BareRun>({ texts: list, batch }));
    const rate = { xim: requests / ours.seconds, bare: theirs.texts / theirs.seconds };
    say(`${clients} clients, pair ${pair}: ${rate.xim.toFixed(0)} texts/s, bare ${rate.bare.toFixed(0)}`);
    if (pair === 0) continue;
    ratios.push(rate.xim / rate.bare);
    rates.xim.push(rate.xim);
    rates.bare.push(rate.bare);
    added.push((quantile(ours.total, 0.5) - quantile(theirs.calls, 0.5)) * 1000);
    total.push(...ours.total);
    cpu.host += after.host - before.host;
    cpu.worker += after.worker - before.worker;
    cpu.texts += requests;
  }
  const name = `${clients} ${clients === 1 ? 'client' : 'clients'}`;
  const target = { at: 'least', value: 0.9 } as const;
  return [
    { name: `${name}: XIM`, unit: 'texts/s', value: medianInterval(rates.xim) },
    { name: `${name}: bare loop, batch ${batch}`, unit: 'texts/s', value: medianInterval(rates.bare) },
    { name: `${name}: ratio`, unit: '', value: medianInterval(ratios), target: clients >= 32 ? target : undefined },
    ...latency(`${name}: latency`, total),
    ...(clients === 1
      ? [
          {
            name: `${name}: latency over bare`,
            unit: 'ms',
            value: medianInterval(added),
            target: { at: 'most', value: 3 },
          } as const,
        ]
      : []),
    { name: `${name}: host CPU per text`, unit: 'µs', value: exactly((cpu.host / cpu.texts) * 1e6) },
    { name: `${name}: worker CPU per text`, unit: 'µs', value: exactly((cpu.worker / cpu.texts) * 1e6) },
  ];
}

function startBest(settings: Settings, folder: string, say: (line: string) => void) {
  const texts = Array.from({ length: 256 }, (_, number) => text(number));
  const speed = async (bare: Bare): Promise<number> => {
    const run = await bare.ask<BareRun>({ texts, batch: 32 });
    return run.texts / run.seconds;
  };
  return bestBare(settings, 'bare_embedding.py', [folder], speed, say);
}

const WORDS =
  'the quick brown fox jumps over a lazy dog while seven bright stars shine above cold quiet northern hills and rivers run'.split(
    ' ',
  );

/** The n-th text: 50 common words, about 55 tokens. */
function text(number: number): string {
  return Array.from({ length: 50 }, (_, at) => WORDS[(number * 7 + at * (1 + (number % 5))) % WORDS.length]).join(' ');
}

function toBody(
  input: string | readonly string[] | readonly number[],
  encoding: 'base64' | 'float' = 'base64',
): string {
  return JSON.stringify({ model: 'text-embedding-3-small', input, encoding_format: encoding });
}

/** Texts of the largest request that the API takes. */
const BULK_TEXTS = 2048;
/** Tokens of a text, see `text`. */
const TEXT_TOKENS = 55;

const FAIRNESS: FairnessCase = {
  main: MAIN,
  path: '/v1/embeddings',
  bulk: (number) => toBody(Array.from({ length: BULK_TEXTS }, (_, i) => text(number * BULK_TEXTS + i))),
  small: () => toBody('seven bright stars'),
  workOf: (answer) => (JSON.parse(answer) as { data: unknown[] }).data.length,
  unit: 'texts/s',
  batch: (number, tokens) =>
    toBody(Array.from({ length: tokens / TEXT_TOKENS }, (_, i) => text(number * BULK_TEXTS + i))),
};

const STALLS: readonly StallCase[] = [
  {
    name: 'a list of tokens',
    path: '/v1/embeddings',
    body: toBody(Array.from({ length: 1_000_000 }, (_, i) => 100 + (i % 800))),
  },
  {
    name: 'texts',
    path: '/v1/embeddings',
    body: toBody(Array.from({ length: BULK_TEXTS }, () => 'word '.repeat(400))),
  },
  {
    name: 'answers of numbers',
    path: '/v1/embeddings',
    body: toBody(
      Array.from({ length: BULK_TEXTS }, (_, i) => text(i)),
      'float',
    ),
  },
];
