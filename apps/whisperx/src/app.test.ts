import { spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, openAsBlob, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { fetchArtifact, readModels } from '@xim/model-cache';
import type { XimServer } from '@xim/server';
import { openService } from '@xim/server/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { samplesOf, silence, toWav } from '../../../libs/engine-oneapi/src/__fixtures__/speech.ts';
import app from './app.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The service as it is shipped, on its real models. */
describe('whisperx', { timeout: 300_000 }, () => {
  let server: XimServer;
  let origin: string;

  beforeAll(async () => {
    ({ server, origin } = await openService(app));
  }, 300_000);
  afterAll(() => server.close());

  it('runs Whisper with its companions, in its own environment', async () => {
    expect((await server.app.inject('/v1/metadata')).json()).toMatchObject({
      service: { name: 'whisperx', task: 'transcribe' },
      engine: {
        name: 'oneapi',
        info: { runtime: { name: 'openvino+ctranslate2' }, dtype: 'int8' },
      },
    });
  });

  it('hears what was said, with words and speakers', async () => {
    const recording = readFileSync(`${root}libs/engine-oneapi/src/__fixtures__/speech/jfk.ogg`);
    const form = new FormData();
    form.set('file', new File([recording], 'jfk.ogg'));
    form.set('model', 'whisper-1');
    form.set('response_format', 'verbose_json');
    form.append('timestamp_granularities[]', 'word');
    const answer = await fetch(`${origin}/v1/audio/transcriptions`, { method: 'POST', body: form });
    const { text, words, language } = (await answer.json()) as { text: string; words: object[]; language: string };
    expect(text.toLowerCase().replaceAll(/[^a-z ]/g, '')).toContain('ask what you can do for your country');
    expect(language).toBe('english');
    expect(words.length).toBeGreaterThan(15);
  });

  it('serves a folder of CTranslate2 that the user names', async () => {
    const { main } = readModels(app.models).models;
    const cacheDir = process.env['XIM_MODEL_CACHE']!;
    const own = await fetchArtifact({ model: main, artifact: 'ctranslate2-f16', cacheDir, python: 'python3' });
    expect((await hearWith(own)).toLowerCase()).toContain('what you can do for your country');
  });

  it('serves a folder of OpenVINO IR that the user names', async () => {
    // Its weights are random.
    expect(await hearWith(`${root}libs/engine-oneapi/python/tests/tiny_whisper`)).toBeTypeOf('string');
  });

  it('answers to the names of OpenAI', async () => {
    const { data } = (await server.app.inject('/v1/models')).json();
    expect(data.map(({ id }: { id: string }) => id)).toContain('openai/whisper-base');
  });
});

/** The text that the model in a folder hears. */
async function hearWith(own: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'xim-own-whisper-'));
  symlinkSync(own, join(folder, 'mine'));
  const { server, origin } = await openService(app, { XIM_MODEL: join(folder, 'mine') });
  try {
    const form = new FormData();
    const recording = readFileSync(`${root}libs/engine-oneapi/src/__fixtures__/speech/jfk.ogg`);
    form.set('file', new File([recording], 'jfk.ogg'));
    form.set('model', 'local/mine');
    const answer = await fetch(`${origin}/v1/audio/transcriptions`, { method: 'POST', body: form });
    return ((await answer.json()) as { text: string }).text;
  } finally {
    await server.close();
    rmSync(folder, { recursive: true });
    // The companions are in the same cache.
    rmSync(join(process.env['XIM_MODEL_CACHE']!, 'models--local--mine'), { recursive: true });
  }
}

/** One call at a time, and an hour of it: twelve sentences in silence, as WAV of 115 MB. */
describe('whisperx: an hour', { timeout: 600_000 }, () => {
  const jfk = readFileSync(`${root}libs/engine-oneapi/src/__fixtures__/speech/jfk.ogg`);
  let server: XimServer;
  let url: string;
  let folder: string;
  let hour: Blob;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'xim-hour-'));
    const path = join(folder, 'hour.wav');
    await pipeline(hourOf(samplesOf('jfk')), createWriteStream(path));
    hour = await openAsBlob(path);
    // One thread, and so one pass of two windows at once: with more, more sentences may end together.
    const opened = await openService(app, { XIM_SLOTS: '1', XIM_QUEUE: '1', XIM_THREADS: '1', XIM_TMP: folder });
    server = opened.server;
    url = `${opened.origin}/v1/audio/transcriptions`;
  }, 600_000);
  afterAll(async () => {
    await server.close({ drainMs: 0 });
    rmSync(folder, { recursive: true });
  }, 120_000);

  const send = (file: Blob, more: Record<string, string> = {}, signal?: AbortSignal) => {
    const form = new FormData();
    for (const [name, value] of Object.entries({ model: 'whisper-1', language: 'en', ...more })) form.set(name, value);
    form.set('file', file, 'a');
    return fetch(url, { method: 'POST', body: form, ...(signal && { signal }) });
  };
  const short = () => send(new Blob([jfk]));
  /** Bytes of the events of a stream, as they come. */
  async function* bytesOf(answer: Response): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    for await (const bytes of answer.body!) yield decoder.decode(bytes as Uint8Array);
  }

  it('is transcribed in the memory of a minute, sentence by sentence', async () => {
    // Five sentences, so that two windows were decoded together before, too.
    const sentence = [samplesOf('jfk'), silence(2)];
    const minute = toWav(Array.from({ length: 5 }, () => sentence).flat());
    expect((await send(new Blob([minute]))).status).toBe(200);
    const before = { worker: workerUse().bytes, host: process.memoryUsage().rss };
    // A client in a process of its own, so that the memory of this one is the host's.
    const fields = [`file=@${join(folder, 'hour.wav')}`, 'model=whisper-1', 'language=en', 'stream=true'];
    const curl = spawn('curl', ['-sSN', ...fields.flatMap((field) => ['-F', field]), url]);
    let [text, reads] = ['', 0];
    for await (const part of curl.stdout) [text, reads] = [text + String(part), reads + 1];
    expect(text.match(/transcript\.text\.delta/g)!.length).toBeGreaterThanOrEqual(12);
    expect(text.match(/fellow Americans/gi)!.length).toBe(24); // in deltas, and again in the whole text
    // The first sentence comes alone, the others two by two, since one pass decodes two windows.
    expect(reads).toBeGreaterThanOrEqual(6);
    // The samples of an hour are 220 MiB as the models take them, and the file is 110 MiB.
    const grown = { worker: workerUse().bytes - before.worker, host: process.memoryUsage().rss - before.host };
    expect(grown.worker / 2 ** 20).toBeLessThan(60);
    expect(grown.host / 2 ** 20).toBeLessThan(80);
    await expect.poll(() => readdirSync(folder), { timeout: 30_000 }).toEqual(['hour.wav']);
  });

  it('that its client leaves at the first sentence costs at most one sentence more', async () => {
    const idle = workerUse().seconds;
    expect((await short()).status).toBe(200);
    const one = workerUse().seconds - idle;
    const leaving = new AbortController();
    const parts = bytesOf(await send(hour, { stream: 'true' }, leaving.signal));
    for await (const part of parts) if (part.includes('transcript.text.delta')) break;
    const before = workerUse().seconds;
    leaving.abort();
    // The only slot is free again, or this one would wait for eleven more sentences.
    expect((await short()).status).toBe(200);
    expect(workerUse().seconds - before).toBeLessThan(3.5 * one);
  });
});

async function* hourOf(sentence: Int16Array): AsyncGenerator<Buffer> {
  const part = new Int16Array(300 * 16_000);
  part.set(sentence, 150 * 16_000);
  yield toWav([]).fill(0xff, 40, 44);
  for (let number = 0; number < 12; number++) yield Buffer.from(part.buffer);
}

/** Memory and processor time of the one child of this process that runs a worker. */
function workerUse(): { readonly bytes: number; readonly seconds: number } {
  const children = readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8').trim().split(' ').filter(Boolean),
  );
  const pid = children.find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('xim_engine_oneapi'));
  const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ').slice(11, 13).map(Number); // prettier-ignore
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
  return { bytes: 1024 * kilobytes, seconds: (user! + system!) / 100 };
}
