import { join } from 'node:path';
import { compareWithBare, ratioFigure, workerPath } from './best-split.ts';
import { askMedia, runMedia } from './media.ts';
import { type Bare, type Service, startService } from './processes.ts';
import type { Figure } from './report.ts';
import type { Settings } from './settings.ts';
import { exactly, quantile } from './statistics.ts';

interface BareRun {
  readonly seconds: number;
  readonly first: readonly number[];
  readonly total: readonly number[];
}

const VOICE = 'en_US-joe-medium';

/** Texts of four sentences, spoken for one client and for four, against the same voice without a service around it. */
export async function benchSpeech(settings: Settings, say: (line: string) => void): Promise<Figure[]> {
  const python = join(settings.env['XIM_VENVS']!, 'speech@oneapi', 'bin', 'python');
  const weights = join(await settings.modelFolder('speech'), `${VOICE}.onnx`);
  const service = await startService('apps/speech/src/main.ts', settings.env);
  try {
    const texts = Array.from({ length: 2 }, (_, number) => text(number));
    return await compareWithBare({
      python,
      script: 'bare_speech.py',
      args: [weights],
      path: workerPath('speech', 'audio'),
      speed: async (bare) => 1 / (await bare.ask<BareRun>({ texts, encode: true })).seconds,
      say,
      clients: settings.clients,
      one: (bare) => compareOne(service, bare, settings.pairs, say),
      many: (bare, clients) => compareMany(service, bare, clients, settings.pairs, say),
    });
  } finally {
    await service.stop();
  }
}

async function compareOne(service: Service, bare: Bare, pairs: number, say: (line: string) => void): Promise<Figure[]> {
  const ratios = { first: [] as number[], total: [] as number[], encoding: [] as number[] };
  const firsts: number[] = [];
  for (let pair = 0; pair <= pairs; pair++) {
    // The same texts in the same run, first one way round and then the other.
    const sentences = text(pair);
    const theirs = () => bare.ask<BareRun>({ texts: [sentences], encode: true });
    const before = pair % 2 === 0 ? await theirs() : undefined;
    const ours = await ask(service, sentences, 'mp3');
    const [after, raw] = [before ?? (await theirs()), await ask(service, sentences, 'pcm')];
    const [first, total] = [after.first[0]!, after.total[0]!];
    say(`1 client, pair ${pair}: first ${ours.first.toFixed(3)} s, bare ${first.toFixed(3)}; total ${ours.total.toFixed(3)} s, bare ${total.toFixed(3)}`); // prettier-ignore
    if (pair === 0) continue;
    firsts.push(ours.first);
    ratios.first.push(ours.first / first);
    ratios.total.push(ours.total / total);
    ratios.encoding.push(ours.total / raw.total);
  }
  return [
    { name: '1 client: first sound', unit: 's', value: exactly(quantile(firsts, 0.5)) },
    ratioFigure('1 client: first sound over bare first sentence', ratios.first, 'most', 1.1),
    ratioFigure('1 client: whole text over bare', ratios.total, 'most', 1.05),
    ratioFigure('1 client: mp3 over pcm', ratios.encoding, 'most', 1.05),
  ];
}

async function compareMany(
  service: Service,
  bare: Bare,
  clients: number,
  pairs: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  const ratios: number[] = [];
  for (let pair = 0; pair <= pairs; pair++) {
    const texts = Array.from({ length: 2 * clients }, (_, number) => text(number + pair));
    const theirs = () => bare.ask<BareRun>({ texts, encode: true });
    const before = pair % 2 === 0 ? await theirs() : undefined;
    const ours = await runMedia(clients, texts.length, (number) => ask(service, texts[number]!, 'mp3'));
    const { seconds } = before ?? (await theirs());
    say(`${clients} clients, pair ${pair}: ${ours.seconds.toFixed(2)} s, bare ${seconds.toFixed(2)}`);
    if (pair > 0) ratios.push(seconds / ours.seconds);
  }
  return [ratioFigure(`${clients} clients: throughput over best bare`, ratios, 'least', 0.95)];
}

function ask(service: Service, sentences: readonly string[], format: string) {
  const body = { model: 'tts-1', voice: 'alloy', input: sentences.join(' '), response_format: format };
  return askMedia(`http://127.0.0.1:${service.port}/v1/audio/speech`, JSON.stringify(body));
}

const SENTENCES = [
  'The harbour is quiet at this hour of the morning.',
  'Seven boats have left for the northern islands, and none of them is expected back before the evening.',
  'A cold wind comes down from the hills.',
  'Nobody on the quay remembers a winter that was as long as this one.',
  'The baker opens his door, and the smell of bread goes through the street.',
];

/** The n-th text: four sentences. */
function text(number: number): string[] {
  return Array.from({ length: 4 }, (_, at) => SENTENCES[(number + at) % SENTENCES.length]!);
}
