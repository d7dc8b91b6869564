import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { XimServer } from '@xim/server';
import { openService } from '@xim/server/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Clip,
  clips,
  recording,
  samplesOf,
  silence,
  spoken,
  toWav,
  transcribePython,
  wordErrors,
} from '../../../libs/engine-oneapi/src/__fixtures__/speech.ts';
import app from './app.ts';

const RATE = 16_000;

/** How a client names its file, and where it sends it. */
interface SendOptions {
  readonly name?: string;
  readonly type?: string;
  readonly to?: string;
  readonly signal?: AbortSignal;
}

interface Timed {
  readonly start: number;
  readonly end: number;
}
interface Verbose {
  readonly text: string;
  readonly duration: number;
  readonly language: string;
  readonly words: readonly Timed[];
  readonly segments: readonly (Timed & Record<string, unknown>)[];
}

/** Recordings of users as they are in practice, over HTTP, on the real models. */
describe('whisperx: recordings', { timeout: 300_000 }, () => {
  const samples = samplesOf('jfk');
  const ogg = recording('jfk');
  let server: XimServer;
  let url: string;

  beforeAll(async () => {
    const { server: opened, origin } = await openService(app);
    [server, url] = [opened, `${origin}/v1/audio/transcriptions`];
  }, 300_000);
  afterAll(() => server.close());

  const send = (
    file: Uint8Array,
    fields: Readonly<Record<string, string>> = {},
    { name = 'a', type = '', to = url, signal }: SendOptions = {},
  ) => {
    const form = new FormData();
    for (const [field, value] of Object.entries({ model: 'whisper-1', ...fields })) form.append(field, value);
    form.set('file', new File([new Uint8Array(file)], name, { type }));
    return fetch(to, { method: 'POST', body: form, ...(signal && { signal }) });
  };
  const textOf = async (answer: Response): Promise<string> => {
    expect(answer.status).toBe(200);
    return ((await answer.json()) as { text: string }).text;
  };
  const errorsOf = (text: string): number => wordErrors(text, spoken.jfk).errors;

  it('of a browser have no duration, a wrong name and a wrong type, and are heard alike', async () => {
    const expected = await textOf(await send(ogg, { language: 'en' }, { name: 'jfk.ogg', type: 'audio/ogg' }));
    expect(errorsOf(expected)).toBeLessThanOrEqual(1);
    const blob = toLiveWebm(ogg);
    // The head, before the first cluster, has no element of a duration.
    const head = blob.subarray(0, blob.indexOf(Buffer.from([0x1f, 0x43, 0xb6, 0x75])));
    expect([head.length > 100, head.includes(Buffer.from([0x44, 0x89]))]).toEqual([true, false]);
    expect(await textOf(await send(blob, { language: 'en' }, { name: 'blob.mp3', type: 'text/plain' }))).toBe(expected);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('not a sound at all '.repeat(500))],
    ['the head of a WAV', toWav([]).subarray(0, 20)],
  ])('%s is no recording: a 400 with a message', async (_, bytes) => {
    const answer = await send(bytes);
    expect(answer.status).toBe(400);
    const { error } = (await answer.json()) as { error: { message: string } };
    expect(error.message.length).toBeGreaterThan(10);
  });

  it('that were cut give the text before the cut', async () => {
    const whole = toWav([samples]);
    const text = await textOf(await send(whole.subarray(0, Math.round(whole.length * 0.6)), { language: 'en' }));
    expect(text.toLowerCase()).toContain('fellow americans');
  });

  it('of silence have no words, in every format', async () => {
    const quiet = toWav([silence(5)]);
    expect(await textOf(await send(quiet, { language: 'en' }))).toBe('');
    const fields = { response_format: 'verbose_json', 'timestamp_granularities[]': 'word', language: 'en' };
    const verbose = (await (await send(quiet, fields)).json()) as Verbose;
    expect([verbose.text, verbose.words]).toEqual(['', []]);
    for (const format of ['text', 'srt', 'vtt']) {
      const answer = await send(quiet, { response_format: format, language: 'en' });
      expect(answer.status).toBe(200);
      expect((await answer.text()).trim()).toBe(format === 'vtt' ? 'WEBVTT' : '');
    }
  });

  it('of a tenth of a second are answered with next to nothing', async () => {
    const text = await textOf(await send(toWav([samples.slice(0, 1600)]), { language: 'en' }));
    expect(text.length).toBeLessThan(10);
  });

  it('that end in silence have no more words', async () => {
    const text = await textOf(await send(toWav([samples, silence(3)]), { language: 'en' }));
    expect(errorsOf(text)).toBeLessThanOrEqual(1);
  });

  it('have words in order within the duration, by the bare and by the bracketed name', async () => {
    for (const name of ['timestamp_granularities', 'timestamp_granularities[]']) {
      const answer = await send(ogg, { response_format: 'verbose_json', [name]: 'word' });
      expect(answer.status).toBe(200);
      const { words, duration, language } = (await answer.json()) as Verbose;
      expect(language).toBe('english');
      expect(words.length).toBeGreaterThan(15);
      const times = words.flatMap(({ start, end }) => [start, end]);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect([times[0]! >= 0, times.at(-1)! <= duration]).toEqual([true, true]);
    }
  });

  it('have the facts of Whisper per segment', async () => {
    const { segments } = (await (await send(ogg, { response_format: 'verbose_json' })).json()) as Verbose;
    const facts = ['seek', 'tokens', 'temperature', 'avg_logprob', 'compression_ratio', 'no_speech_prob'];
    expect(segments.length).toBeGreaterThan(0);
    for (const segment of segments) expect(Object.keys(segment)).toEqual(expect.arrayContaining(facts));
  });

  it.each<Record<string, string>>([{}, { chunking_strategy: 'auto' }, { chunking_strategy: '{"type":"server_vad"}' }])(
    'have a speaker and times for each segment (%o)',
    async (fields) => {
      const model = 'gpt-4o-transcribe-diarize';
      const answer = await send(ogg, { model, response_format: 'diarized_json', ...fields });
      expect(answer.status).toBe(200);
      const { segments } = (await answer.json()) as { segments: (Timed & { speaker: unknown })[] };
      expect(segments.length).toBeGreaterThan(0);
      for (const { start, end, speaker } of segments) {
        expect(speaker).toEqual(expect.any(String));
        expect(end).toBeGreaterThanOrEqual(start);
      }
    },
  );

  it('that are sent at once each get their own format', async () => {
    const formats = ['json', 'text', 'srt', 'vtt'];
    const answers = await Promise.all(
      formats.map(async (response_format) => (await send(ogg, { response_format, language: 'en' })).text()),
    );
    const [json, text, srt, vtt] = answers as [string, string, string, string];
    expect(errorsOf((JSON.parse(json) as { text: string }).text)).toBeLessThanOrEqual(1);
    expect(text).not.toMatch(/^["{]/);
    expect(srt).toMatch(/^1\r?\n00:00:0\d,\d{3} --> 00:00:\d\d,\d{3}\r?\n/);
    expect(vtt).toMatch(/^WEBVTT\r?\n\r?\n/);
  });

  it('of 29 seconds without a pause are heard to their end', async () => {
    const answer = await send(toWav([joined(clips).slice(0, 29 * RATE)]), { response_format: 'verbose_json' });
    const { segments, duration } = (await answer.json()) as Verbose;
    expect(duration).toBeCloseTo(29, 1);
    expect(segments.at(-1)!.end).toBeGreaterThan(27);
  });

  it('of several windows have each word once, streamed or not, also at temperature 0', async () => {
    const order = [...clips, ...clips];
    const said = order.map((clip) => spoken[clip]).join(' ');
    const wav = toWav([joined(order)]);
    expect(wav.length / 2 / RATE).toBeGreaterThan(60);
    const fields = { language: 'en', temperature: '0' };
    const text = await textOf(await send(wav, fields));
    const { errors, words } = wordErrors(text, said);
    expect([errors / words <= 0.05, text]).toEqual([true, text]);

    const streamed = await send(wav, { ...fields, stream: 'true' });
    expect(streamed.status).toBe(200);
    const events = (await streamed.text())
      .split('\n')
      .filter((line) => line.startsWith('data: {'))
      .map((line) => JSON.parse(line.slice(6)) as { type: string; delta?: string; text?: string });
    const deltas = events.flatMap(({ type, delta }) => (type === 'transcript.text.delta' ? [delta] : []));
    expect(deltas.length).toBeGreaterThan(1);
    expect([deltas.join(''), events.at(-1)]).toEqual([text, expect.objectContaining({ text })]);
  });

  it('that are short are answered before a long one that came first, and health answers meanwhile', async () => {
    let longIsDone = false;
    const stopped = new AbortController();
    const long = await send(toWav([samples], 30), { stream: 'true', language: 'en' }, { signal: stopped.signal });
    const reader = long.body!.getReader();
    await reader.read();
    const rest = (async () => {
      while (!(await reader.read()).done);
      longIsDone = true;
    })().catch(() => {});
    const short = send(ogg, { language: 'en' });
    const origin = new URL(url).origin;
    for (const path of ['/health/live', '/health/ready']) expect((await fetch(origin + path)).status).toBe(200);
    expect(errorsOf(await textOf(await short))).toBeLessThanOrEqual(1);
    expect(longIsDone).toBe(false);
    stopped.abort();
    await rest;
  });

  it('are translated whole: a stream of a translation is refused by name', async () => {
    const translations = url.replace('transcriptions', 'translations');
    const answer = await send(ogg, { stream: 'true' }, { to: translations });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { param: 'stream' } });
    const whole = await send(ogg, {}, { to: translations });
    expect(errorsOf(await textOf(whole))).toBeLessThanOrEqual(1);
  });

  it('in a language that the model lacks are a 400', async () => {
    expect((await send(ogg, { language: 'klingon' })).status).toBe(400);
  });
});

/** The samples of clips, one after the other. */
function joined(names: readonly Clip[]): Int16Array {
  return Int16Array.from(names.flatMap((name) => [...samplesOf(name)]));
}

/** The packets of a recording in the WebM of a live stream, which has neither a duration nor an index. */
function toLiveWebm(bytes: Uint8Array): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'xim-webm-'));
  const script = `import io, sys, av
with av.open(io.BytesIO(sys.stdin.buffer.read())) as source, \\
        av.open(sys.argv[1], "w", format="webm", options={"live": "1"}) as target:
    stream = target.add_stream_from_template(source.streams.audio[0])
    for packet in source.demux(audio=0):
        if packet.dts is not None:
            packet.stream = stream
            target.mux(packet)`;
  try {
    const path = join(folder, 'live.webm');
    execFileSync(transcribePython, ['-c', script, path], { input: bytes });
    return readFileSync(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
