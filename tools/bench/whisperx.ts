import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareWithBare, ratioFigure } from './best-split.ts';
import { askMedia, runMedia } from './media.ts';
import { type Bare, ROOT, type Service, startService } from './processes.ts';
import type { Figure } from './report.ts';
import type { Settings } from './settings.ts';
import { benchSpeakers } from './speakers.ts';
import { exactly } from './statistics.ts';
import { type Clip, clips, spoken, wordErrors } from '../../libs/engine-oneapi/src/__fixtures__/speech.ts';

interface BareRun {
  readonly seconds: number;
  readonly total: readonly number[];
  readonly texts: readonly string[];
}

const pathOf = (clip: Clip): string => join(ROOT, 'libs/engine-oneapi/src/__fixtures__/speech', `${clip}.ogg`);
const language = 'en';

/** Short recordings from one client and from four, and their word errors, against bare faster-whisper. */
export async function benchWhisperx(settings: Settings, say: (line: string) => void): Promise<Figure[]> {
  const python = join(settings.env['XIM_VENVS']!, 'whisperx@oneapi', 'bin', 'python');
  const args = [await settings.modelFolder('whisperx')];
  const service = await startService('apps/whisperx/src/main.ts', settings.env);
  try {
    const paths = clips.slice(0, 2).map(pathOf);
    const speed = await compareWithBare({
      python,
      script: 'bare_whisper.py',
      args,
      path: '',
      speed: async (bare) => 1 / (await bare.ask<BareRun>({ paths, language })).seconds,
      say,
      clients: settings.clients,
      one: (bare) => compareOne(service, bare, settings.pairs, say),
      many: (bare, clients) => compareMany(service, bare, clients, settings.pairs, say),
    });
    return [...speed, ...(await benchSpeakers(service, settings))];
  } finally {
    await service.stop();
  }
}

async function compareOne(service: Service, bare: Bare, pairs: number, say: (line: string) => void): Promise<Figure[]> {
  const ratios: number[] = [];
  for (let pair = 0; pair <= pairs; pair++) {
    const clip = clips[pair % clips.length]!;
    const theirs = () => bare.ask<BareRun>({ paths: [pathOf(clip)], language });
    const before = pair % 2 === 0 ? await theirs() : undefined;
    const ours = await ask(service, clip);
    const { seconds } = before ?? (await theirs());
    say(`1 client, pair ${pair}, ${clip}: ${ours.total.toFixed(3)} s, bare ${seconds.toFixed(3)}`);
    if (pair > 0) ratios.push(ours.total / seconds);
  }
  return [ratioFigure('1 client: time over bare', ratios, 'most', 1.03)];
}

async function compareMany(
  service: Service,
  bare: Bare,
  clients: number,
  pairs: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  const paths = clips.map(pathOf);
  const ratios: number[] = [];
  let errors = { xim: 0, bare: 0, words: 0 };
  for (let pair = 0; pair <= pairs; pair++) {
    const theirs = () => bare.ask<BareRun>({ paths, language });
    const before = pair % 2 === 0 ? await theirs() : undefined;
    const ours = await runMedia(clients, clips.length, (number) => ask(service, clips[number]!));
    const { seconds, texts } = before ?? (await theirs());
    say(`${clients} clients, pair ${pair}: ${ours.seconds.toFixed(2)} s, bare ${seconds.toFixed(2)}`);
    if (pair > 0) ratios.push(seconds / ours.seconds);
    errors = { xim: countErrors(ours.answers.map(({ text }) => text)), bare: countErrors(texts), words: WORDS };
  }
  return [
    ratioFigure(`${clients} clients: throughput over best bare`, ratios, 'least', 0.97),
    { name: 'word errors', unit: `of ${errors.words}`, value: exactly(errors.xim) },
    { name: 'word errors, bare', unit: `of ${errors.words}`, value: exactly(errors.bare) },
  ];
}

const WORDS = clips.reduce((sum, clip) => sum + wordErrors('', spoken[clip]).words, 0);

/** Word errors over the texts of all clips. */
function countErrors(texts: readonly string[]): number {
  return clips.reduce((sum, clip, at) => sum + wordErrors(texts[at] ?? '', spoken[clip]).errors, 0);
}

async function ask(service: Service, clip: Clip): Promise<{ readonly total: number; readonly text: string }> {
  const form = new FormData();
  form.set('file', new File([readFileSync(pathOf(clip))], `${clip}.ogg`));
  form.set('model', 'whisper-1');
  form.set('language', language);
  // The bare loop decodes the whole recording too; its library's voice activity needs a wheel that the service has not.
  form.set('vad_filter', 'false');
  const { total, body } = await askMedia(`http://127.0.0.1:${service.port}/v1/audio/transcriptions`, form);
  return { total, text: (JSON.parse(body.toString()) as { text: string }).text };
}
