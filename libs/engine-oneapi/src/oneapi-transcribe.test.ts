import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine, EngineInfo, TranscribeEvent, TranscribeInput } from '@xim/engine';
import { checkEvents, describeEngine } from '@xim/engine/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type EngineSettings, modelOf } from './__fixtures__/engines.ts';
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
  writeWav,
} from './__fixtures__/speech.ts';

const whisper = modelOf('whisperx');
const folder = mkdtempSync(join(tmpdir(), 'xim-transcribe-'));
const decoded = Object.fromEntries(clips.map((clip) => [clip, samplesOf(clip)])) as Record<Clip, Int16Array>;
const austen = clips.filter((clip) => clip !== 'jfk');
const saidBy = (names: readonly Clip[]) => names.map((name) => spoken[name]).join(' ');
// Four minutes in each slot take longer than a test may, with a wide beam.
const long = writeWav(join(folder, 'long.wav'), Object.values(decoded), 8);
const create = (settings: EngineSettings = {}) => createEngine(whisper, { python: transcribePython, ...settings });
afterAll(() => rmSync(folder, { recursive: true }));

describeEngine({
  name: 'oneapi: transcribe',
  create: () => create({ options: { beamSize: 20 }, plan: { slots: 2 } }),
  createFaulty: (fault) =>
    fault === 'permanent'
      ? create({ options: { computeType: 'int3' } })
      : createEngine({ ...whisper, companions: {} }, { python: '/bin/ls' }),
  timeoutMs: 110_000,
  concurrent: 8,
  samples: {
    transcribe: {
      // The suite runs hundreds of it.
      quick: { audio: { bytes: toWav([silence(1)]) }, language: 'en' },
      long: { audio: { path: long }, language: 'en' },
      more: [
        { audio: { bytes: recording('austen-0880') }, language: 'en' },
        { audio: { bytes: recording('austen-0930') } },
        { audio: { bytes: recording('austen-0930') }, words: true },
        { audio: { bytes: recording('jfk') }, speakers: {}, words: true },
        { audio: { bytes: recording('austen-0880') }, logprobs: true, speakers: {} },
        { audio: { bytes: recording('jfk') }, translate: true, prompt: 'A speech.', temperature: 0.2 },
        { audio: { bytes: toWav([silence(5)]) }, words: true },
        { audio: { bytes: toWav([silence(0.1)]) } },
        { audio: { bytes: recording('austen-0880') }, voiceActivity: false, temperature: 0 },
      ],
      bad: [
        {
          what: 'an unknown language',
          input: { audio: { bytes: recording('jfk') }, language: 'xx' },
          param: 'language',
        },
        {
          what: 'a temperature above 1',
          input: { audio: { bytes: recording('jfk') }, temperature: 1.5 },
          param: 'temperature',
        },
        {
          what: 'more speakers at least than at most',
          input: { audio: { bytes: recording('jfk') }, speakers: { min: 3, max: 2 } },
          param: 'speakers',
        },
      ],
    },
  },
});

describe('oneapi: what Whisper hears', { timeout: 300_000 }, () => {
  let engine: Engine;
  let info: EngineInfo;
  beforeAll(async () => {
    engine = create();
    info = await engine.start();
  }, 300_000);
  afterAll(() => engine.stop());

  async function run(input: TranscribeInput, signal = new AbortController().signal): Promise<TranscribeEvent[]> {
    const events: TranscribeEvent[] = [];
    for await (const event of engine.transcribe!(input, { id: 'test', signal })) events.push(event);
    if (!input.speakers?.known) checkEvents('transcribe', input, events);
    return events;
  }
  const segmentsOf = (events: readonly TranscribeEvent[]) =>
    events.flatMap((event) => (event.type === 'segment' ? [event.segment] : []));
  const textOf = (events: readonly TranscribeEvent[]) =>
    segmentsOf(events)
      .map(({ text }) => text)
      .join('');

  it('says what it computes with', () => {
    const name = expect.stringMatching(/^(openvino\+)?ctranslate2$/);
    expect(info).toMatchObject({ runtime: { name }, dtype: 'int8', models: ['openai/whisper-base'] });
    expect(info.languages).toEqual(expect.arrayContaining(['en', 'de', 'zh']));
  });

  it('at most one word in twenty is wrong', async () => {
    let [errors, words] = [0, 0];
    const hear = async (clip: Clip) => textOf(await run({ audio: { bytes: recording(clip) } }));
    const alone: string[] = [];
    for (const clip of clips) {
      const text = await hear(clip);
      const found = wordErrors(text, spoken[clip]);
      errors += found.errors;
      words += found.words;
      alone.push(text);
    }
    // Windows of several calls are decoded together.
    expect(await Promise.all(clips.map(hear))).toEqual(alone);
    expect(words).toBeGreaterThan(80);
    expect(errors / words).toBeLessThanOrEqual(0.05);
  });

  it('says how probable each token is', async () => {
    const [found] = segmentsOf(await run({ audio: { bytes: recording('jfk') }, language: 'en', logprobs: true }));
    const chances = new Map(found!.logprobs!.map(({ token, logprob }) => [token, logprob]));
    expect(found!.logprobs!.map(({ id }) => id)).toEqual(found!.tokens);
    // A word that is heard without doubt, and a mark that is a matter of taste.
    expect(chances.get(' country')).toBeGreaterThan(Math.log(0.98));
    expect(Math.min(...chances.values())).toBeLessThan(Math.log(0.7));
  });

  it('joins of windows neither glue nor double words', async () => {
    const order = [...clips, ...austen, ...clips];
    const input = { audio: { bytes: toWav(order.map((clip) => decoded[clip])) }, words: true };
    const events = await run(input);
    expect(events.filter(({ type }) => type === 'progress').length).toBeGreaterThan(2);
    const found = wordErrors(textOf(events), saidBy(order));
    expect(found.errors / found.words).toBeLessThanOrEqual(0.05);
    const words = segmentsOf(events).flatMap((segment) => segment.words!);
    const times = words.flatMap(({ start, end }) => [start, end]);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    for (const segment of segmentsOf(events)) {
      expect(segment.words!.map(({ word }) => word).join('')).toBe(segment.text);
    }
  });

  it('a clip is heard alike in Ogg and WAV, whatever the size in the head of the WAV says', async () => {
    const wav = toWav([decoded['austen-0880']]);
    const streamed = Buffer.from(wav);
    streamed.writeUInt32LE(0xffffffff, 4);
    streamed.writeUInt32LE(0xffffffff, 40);
    const texts = await Promise.all(
      [recording('austen-0880'), wav, streamed].map(async (bytes) => textOf(await run({ audio: { bytes } }))),
    );
    expect(new Set(texts).size).toBe(1);
  });

  it.each([
    ['silence', [silence(5)]],
    ['a moment of silence', [silence(0.3)]],
    ['a hum', [Int16Array.from({ length: 80_000 }, (_, at) => 900 * Math.sin((2 * Math.PI * 50 * at) / 16_000))]],
  ])('%s has no text', async (_, parts) => {
    expect(textOf(await run({ audio: { bytes: toWav(parts) } }))).toBe('');
  });

  it('silence after speech adds nothing', async () => {
    const alone = textOf(await run({ audio: { bytes: toWav([decoded['austen-0870']]) }, language: 'en' }));
    const more = await run({ audio: { bytes: toWav([decoded['austen-0870'], silence(3)]) }, language: 'en' });
    expect(textOf(more)).toBe(alone);
    expect(segmentsOf(more).at(-1)!.end).toBeLessThan(8);
  });

  it('29 seconds of speech are heard to their end', async () => {
    const parts = [...clips.map((clip) => decoded[clip])];
    const whole = Int16Array.from(parts.flatMap((part) => [...part])).subarray(0, 29 * 16_000);
    expect(segmentsOf(await run({ audio: { bytes: toWav([whole]) } })).at(-1)!.end).toBeGreaterThan(27);
  });

  it('a recording that was cut gives most of its text', async () => {
    const cut = recording('jfk').subarray(0, 30_000);
    expect(textOf(await run({ audio: { bytes: cut } }))).toContain('ask not what your country can do for you');
  });

  it('voices are told apart, and known ones named', async () => {
    const pause = silence(0.4);
    const turns: Clip[] = ['austen-0870', 'jfk', 'austen-0920', 'austen-0930', 'jfk', 'austen-0890'];
    const audio = { bytes: toWav(turns.flatMap((clip) => [decoded[clip], pause])) };
    const found = segmentsOf(await run({ audio, speakers: {}, words: true }));
    // Every word against the turn that its middle is in.
    let begin = 0;
    const ends = turns.map((clip) => (begin += (decoded[clip].length + pause.length) / 16_000));
    const words = found.flatMap((segment) => segment.words!);
    const wrong = words.filter(({ start, end, speaker }) => {
      const turn = turns[ends.findIndex((at) => (start + end) / 2 < at)];
      return speaker !== (turn === 'jfk' ? 'SPEAKER_01' : 'SPEAKER_00');
    });
    expect(words.length).toBeGreaterThan(90);
    expect(wrong).toEqual([]);
    const known = [{ name: 'Kennedy', audio: { bytes: toWav([decoded.jfk.subarray(0, 48_000)]) } }];
    const two = { bytes: toWav([decoded['austen-0870'], pause, decoded.jfk]) };
    const named = segmentsOf(await run({ audio: two, speakers: { known } }));
    expect(new Set(named.map(({ speaker }) => speaker))).toEqual(new Set(['SPEAKER_00', 'Kennedy']));
  });

  it('a short recording beside a long one is done while the long one goes on', async () => {
    const abort = new AbortController();
    const events = engine.transcribe!({ audio: { path: long }, language: 'en' }, { id: 'long', signal: abort.signal });
    const iterator = events[Symbol.asyncIterator]();
    expect(await iterator.next()).toMatchObject({ value: { type: 'start' } });
    expect(textOf(await run({ audio: { bytes: recording('jfk') } }))).toContain('my fellow Americans');
    expect(await iterator.next()).toMatchObject({ done: false });
    abort.abort();
    await expect(iterator.next().then(() => iterator.next())).rejects.toThrow();
    expect(textOf(await run({ audio: { bytes: recording('jfk') } }))).toContain('my fellow Americans');
  });
});

it.each(['openvino', 'ctranslate2'])('the encoder on %s hears the words', { timeout: 120_000 }, async (encoder) => {
  const engine = create({ options: { encoder } });
  try {
    const { runtime } = await engine.start();
    expect(runtime.name).toBe(encoder === 'openvino' ? 'openvino+ctranslate2' : 'ctranslate2');
    let text = '';
    const input = { audio: { bytes: recording('jfk') }, language: 'en' };
    for await (const event of engine.transcribe!(input, { id: 'test', signal: new AbortController().signal })) {
      if (event.type === 'segment') text += event.segment.text;
    }
    expect(wordErrors(text, spoken.jfk).errors).toBeLessThanOrEqual(1);
  } finally {
    await engine.stop();
  }
});

it('an unknown encoder is refused with those that there are', { timeout: 120_000 }, async () => {
  const engine = create({ options: { encoder: 'onnx' } });
  await expect(engine.start()).rejects.toMatchObject({
    permanent: true,
    message: expect.stringContaining("encoder is 'onnx'; expected openvino or ctranslate2"),
  });
  await engine.stop();
});

it('an environment without the wheels is named', { timeout: 120_000 }, async () => {
  const engine = createEngine(whisper);
  await expect(engine.start()).rejects.toMatchObject({
    permanent: true,
    message: expect.stringContaining('the wheel av cannot be imported'),
  });
  await engine.stop();
});
