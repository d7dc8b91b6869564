import type { Engine, SpeakInput } from '@xim/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, modelOf } from './__fixtures__/engines.ts';
import { speakPython, transcribePython, wordErrors } from './__fixtures__/speech.ts';

/** The speech of one engine, heard by another. */
describe('oneapi: speech is heard as it was written', { timeout: 600_000 }, () => {
  let speaker: Engine;
  let listener: Engine;
  beforeAll(async () => {
    speaker = createEngine(modelOf('speech'), { python: speakPython });
    listener = createEngine(modelOf('whisperx'), { python: transcribePython });
    await Promise.all([speaker.start(), listener.start()]);
  }, 600_000);
  afterAll(() => Promise.all([speaker.stop(), listener.stop()]));

  const options = () => ({ id: 'test', signal: new AbortController().signal });

  async function speak(input: SpeakInput): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const event of speaker.speak!({ seed: 1, ...input }, options())) {
      if (event.type === 'audio') parts.push(event.bytes);
    }
    return Buffer.concat(parts);
  }
  async function hear(bytes: Uint8Array): Promise<string> {
    let text = '';
    for await (const event of listener.transcribe!({ audio: { bytes }, language: 'en' }, options())) {
      if (event.type === 'segment') text += event.segment.text;
    }
    return text.trim();
  }

  it.each(['mp3', 'opus', 'aac', 'flac', 'wav'] as const)(
    'at most one word in twenty is wrong in %s',
    async (format) => {
      const text =
        'The harbour is quiet at this hour of the morning. Seven boats have left for the northern islands, and none of ' +
        'them is expected back before the evening. A cold wind comes down from the hills.';
      const { errors, words } = wordErrors(await hear(await speak({ text, format })), text.toLowerCase());
      expect(words).toBeGreaterThan(30);
      expect(errors / words).toBeLessThanOrEqual(0.05);
    },
  );

  it.each([
    ['They lost $5.3 billion in the last year.', /\$?5\.3 billion( dollars)?/],
    ['The house costs $200,000 today.', /\$?200,000( dollars)?|two hundred thousand/],
    ['The last train leaves at 9:30PM.', /9[: .]30 ?p\.?m/],
    ['It was 40–60 °C outside.', /(40 ?(to|-|–) ?60|forty to sixty) ?(degrees|°)/],
    ['The number is 9, and then 14.', /\b(9|nine)\b.*\b(14|fourteen)\b/],
    ['The box weighs 20 kg, and the road is 10 km long.', /(20|twenty) ?(kilograms|kg).*(10|ten) ?(kilomet|km)/],
  ])('%s', async (text, heard) => {
    expect((await hear(await speak({ text, format: 'flac' }))).toLowerCase()).toMatch(heard);
  });
});
