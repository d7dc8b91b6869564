import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EngineFactory, isRefusal } from '@xim/engine';
import { ipex } from '@xim/engine-ipex';
import { oneapi } from '@xim/engine-oneapi';
import { planFor, readHost } from '@xim/host-plan';
import { readModels } from '@xim/model-cache';
import { type Estimate, estimate, formatEstimate } from '../../libs/host-plan/src/estimate/estimate.ts';
import { measureHost } from '../../libs/host-plan/src/estimate/measure-host.ts';
import type { HostSpeed } from '../../libs/host-plan/src/host/recording.ts';
import { runLoad } from './load.ts';
import { askMedia } from './media.ts';
import { ROOT, type Service, startService } from './processes.ts';
import type { Figure } from './report.ts';
import type { Settings } from './settings.ts';
import { exactly, type Interval, medianInterval } from './statistics.ts';

/** An estimate may be off by this factor, both ways. */
const FACTOR = 1.5;

/** One call on a service, and the speed that it shows in the unit of the estimate. */
interface Probe {
  readonly app: string;
  readonly engine: EngineFactory;
  measure(service: Service, number: number): Promise<number>;
}

const PROBES: readonly Probe[] = [
  { app: 'chat', engine: oneapi, measure: generateOnce },
  { app: 'embedding', engine: oneapi, measure: embedOnce },
  { app: 'rerank', engine: oneapi, measure: rerankOnce },
  { app: 'whisperx', engine: oneapi, measure: transcribeOnce },
  { app: 'speech', engine: oneapi, measure: speakOnce },
  { app: 'sd-ipex', engine: ipex, measure: drawOnce },
];

/** The estimates that `xim-plan` prints before a download, against what each service does with one client. */
export async function benchPlan(settings: Settings, say: (line: string) => void): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const probe of PROBES) {
    // The speed of a machine with other guests moves within minutes, so it is measured before and after each service.
    const before = await measureHost(readHost());
    const service = await startService(`apps/${probe.app}/src/main.ts`, settings.env);
    try {
      await probe.measure(service, -1);
      const values: number[] = [];
      for (let run = 0; run < settings.pairs; run++) {
        values.push(await probe.measure(service, run));
        say(`${probe.app}, run ${run}: ${values.at(-1)!.toPrecision(3)}`);
      }
      const expected = estimateOf(probe, meanSpeed(before, await measureHost(readHost())));
      say(`${probe.app}: ${formatEstimate(expected)}: ${expected.basis}`);
      figures.push(...compare(probe.app, expected, medianInterval(values)));
    } finally {
      await service.stop();
    }
  }
  return figures;
}

function estimateOf({ app, engine }: Probe, speed: HostSpeed): Estimate {
  const host = readHost();
  const model = readModels(join(ROOT, 'apps', app, 'models.json')).models['main']!;
  const profile = engine.check(host, model);
  if (isRefusal(profile)) throw new Error(`${app} does not run here: ${profile.missing.join(', ')}. ${profile.advice}`);
  const memory = engine.memory(model, profile);
  const plan = planFor({ host, model, memory });
  const found = memory.work && estimate(model.task, memory.work, host, plan, speed);
  if (found === undefined) throw new Error(`there is no estimate for ${app}`);
  return found;
}

function meanSpeed(one: HostSpeed, other: HostSpeed): HostSpeed {
  return {
    bytesPerSecond: (one.bytesPerSecond + other.bytesPerSecond) / 2,
    hertz: (one.hertz + other.hertz) / 2,
  };
}

function compare(app: string, expected: Estimate, measured: Interval): Figure[] {
  const { unit, value } = expected;
  const by = (number: number): number => Math.max(number / value, value / number);
  const [low, high] = [by(measured.low), by(measured.high)].sort((a, b) => a - b) as [number, number];
  const off = { median: by(measured.median), low: Math.min(low, by(measured.median)), high };
  return [
    { name: `${app}: estimate`, unit, value: exactly(value) },
    { name: `${app}: measured`, unit, value: measured },
    { name: `${app}: factor between them`, unit: '', value: off, target: { at: 'most', value: FACTOR } },
  ];
}

/** Tokens per second after the first, of one stream. */
async function generateOnce({ port }: Service, number: number): Promise<number> {
  const { perToken } = await runLoad({
    ...{ port, path: '/v1/chat/completions', clients: 1, requests: 1 },
    body: () => ({
      ...{ model: 'gpt-4o-mini', max_completion_tokens: 64, min_tokens: 64, temperature: 0 },
      ...{ stream: true, stream_options: { include_usage: true } },
      messages: [{ role: 'user', content: `Story ${number + 2}: tell me about the sea.` }],
    }),
  });
  return 1 / perToken[0]!;
}

/** Texts per second of one client that sends one text after the other. */
async function embedOnce({ port }: Service, number: number): Promise<number> {
  const requests = 50;
  const { seconds } = await runLoad({
    ...{ port, path: '/v1/embeddings', clients: 1, requests },
    body: (at) => ({ model: 'text-embedding-3-small', input: words(at + number) }),
  });
  return requests / seconds;
}

/** Documents per second of one client that sends a question with 25 documents. */
async function rerankOnce({ port }: Service, number: number): Promise<number> {
  const [requests, documents] = [4, 25];
  const { seconds } = await runLoad({
    ...{ port, path: '/v1/rerank', clients: 1, requests },
    body: (at) => ({
      query: 'Where do the bright stars shine?',
      documents: Array.from({ length: documents }, (_, document) => words(at * documents + document + number)),
    }),
  });
  return (requests * documents) / seconds;
}

const WORDS = 'the quick brown fox jumps over a lazy dog while seven bright stars shine above cold quiet hills'.split(
  ' ',
);

/** A text of about 55 tokens. */
function words(number: number): string {
  return Array.from({ length: 50 }, (_, word) => WORDS[(number * 7 + word * 3 + 8) % WORDS.length]).join(' ');
}

/** Seconds per picture of the size and the steps that the service takes for a request that names neither. */
async function drawOnce({ port }: Service, number: number): Promise<number> {
  const body = JSON.stringify({ prompt: 'a red circle', seed: number + 1 });
  const { total } = await askMedia(`http://127.0.0.1:${port}/v1/images/generations`, body);
  return total;
}

/** Seconds per second of the window of 30 s that a recording lies in. */
async function transcribeOnce({ port }: Service): Promise<number> {
  const form = new FormData();
  const wav = readFileSync(join(ROOT, 'libs/engine-oneapi/src/__fixtures__/speech', RECORDING));
  form.set('file', new File([wav], RECORDING));
  form.set('model', 'whisper-1');
  form.set('language', 'en');
  form.set('response_format', 'verbose_json');
  const { total, body } = await askMedia(`http://127.0.0.1:${port}/v1/audio/transcriptions`, form);
  const { duration } = JSON.parse(body.toString()) as { duration: number };
  // A window is computed whole, however short the recording is.
  return total / Math.max(30, duration);
}

const RECORDING = 'jfk.ogg';

/** Seconds per second of speech: 16-bit samples at 24,000 Hz. */
async function speakOnce({ port }: Service, number: number): Promise<number> {
  const input = `Number ${number + 2}. Seven boats have left for the northern islands, and none of them is expected back before the evening.`;
  const request = { model: 'tts-1', voice: 'alloy', input, response_format: 'pcm', seed: 0 };
  const { total, body } = await askMedia(`http://127.0.0.1:${port}/v1/audio/speech`, JSON.stringify(request));
  return total / (body.length / 2 / 24_000);
}
