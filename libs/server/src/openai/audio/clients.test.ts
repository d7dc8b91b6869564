import { execFile } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createOpenAI } from '@ai-sdk/openai';
import { experimental_transcribe as transcribe } from 'ai';
import { toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentWav } from '../../http/__fixtures__/silent-wav.ts';
import { startEcho, type TranscriptionService } from './__fixtures__/transcription-service.ts';

const TEXT = 'From 0.0 to 2.0 seconds. From 2.0 to 4.0 seconds. From 4.0 to 5.0 seconds.';
const run = promisify(execFile);
const model = 'whisper-1';

let service: TranscriptionService;
let folder: string;
let path: string;
beforeAll(async () => {
  service = await startEcho();
  folder = mkdtempSync(join(tmpdir(), 'xim-clients-'));
  path = join(folder, 'a.wav');
  writeFileSync(path, silentWav(5));
});
afterAll(async () => {
  await service.close();
  rmSync(folder, { recursive: true });
});

describe('openai for Node', () => {
  it('sends files and streams of bytes, and reads each format', async () => {
    const { transcriptions, translations } = service.client.audio;
    const file = () => createReadStream(path);
    const { text, usage } = await transcriptions.create({ file: file(), model });
    expect([text, usage?.type]).toEqual([TEXT, 'tokens']);
    expect(await transcriptions.create({ file: file(), model, response_format: 'text' })).toBe(`${TEXT}\n`);
    expect(await transcriptions.create({ file: file(), model, response_format: 'srt' })).toMatch(/^1\n00:00:00,000 /);
    expect(await transcriptions.create({ file: file(), model, response_format: 'vtt' })).toMatch(/^WEBVTT\n/);
    const verbose = await transcriptions.create({
      ...{ file: await toFile(silentWav(5), 'a.webm', { type: 'video/webm' }), model, language: 'en' },
      ...{ response_format: 'verbose_json' as const, timestamp_granularities: ['word', 'segment'] as const as never },
      chunking_strategy: { type: 'server_vad', threshold: 0.4, silence_duration_ms: 300 },
    });
    expect(verbose).toMatchObject({ language: 'english', duration: 5, text: TEXT });
    expect((await translations.create({ file: file(), model })).text).toMatch(/^In English, from/);
  });

  it('names speakers by arrays', async () => {
    const reference = `data:audio/wav;base64,${silentWav(2).toString('base64')}`;
    const diarized = await service.client.audio.transcriptions.create({
      ...{ file: createReadStream(path), model, response_format: 'diarized_json', chunking_strategy: 'auto' },
      ...{ known_speaker_names: ['agent', 'customer'], known_speaker_references: [reference, reference] },
    });
    expect(diarized).toMatchObject({ segments: [{ speaker: 'agent' }, { speaker: 'customer' }, { speaker: 'agent' }] });
  });

  it('reads a stream', async () => {
    const { transcriptions } = service.client.audio;
    const stream = await transcriptions.create({ file: createReadStream(path), model, stream: true, include: ['logprobs'] }); // prettier-ignore
    let joined = '';
    let last: string | undefined;
    for await (const event of stream) {
      if (event.type === 'transcript.text.delta') joined += event.delta;
      last = event.type;
    }
    expect([joined, last]).toEqual([TEXT, 'transcript.text.done']);
  });
});

describe('the AI SDK', () => {
  const modelOf = (name: string) =>
    createOpenAI({ baseURL: `${service.origin}/v1`, apiKey: 'none' }).transcription(name);

  it('transcribes', async () => {
    const { text, segments, language, durationInSeconds } = await transcribe({
      ...{ model: modelOf(model), audio: silentWav(5), maxRetries: 0 },
      providerOptions: { openai: { timestampGranularities: ['segment'], language: 'en', temperature: 0 } },
    });
    expect({ text, language, durationInSeconds }).toEqual({ text: TEXT, language: 'en', durationInSeconds: 5 });
    expect(segments.map(({ startSecond, endSecond }) => [startSecond, endSecond])).toEqual([[0, 2], [2, 4], [4, 5]]); // prettier-ignore
  });

  it('transcribes words, and with the newer models', async () => {
    const words = await transcribe({
      ...{ model: modelOf(model), audio: silentWav(5), maxRetries: 0 },
      providerOptions: { openai: { timestampGranularities: ['word'] } },
    });
    expect([words.text, words.segments.length]).toEqual([TEXT, 15]);
    const newer = await transcribe({ model: modelOf('gpt-4o-transcribe'), audio: silentWav(5), maxRetries: 0 });
    expect(newer.text).toBe(TEXT);
  });

  it('has the message of an error', async () => {
    const noise = new TextEncoder().encode('noise');
    await expect(transcribe({ model: modelOf(model), audio: noise, maxRetries: 0 })).rejects.toThrow(
      /could not be read/,
    );
  });
});

it('openai for Python', { timeout: 120_000 }, async () => {
  const python = fileURLToPath(new URL('../../../../../.venv/dev/bin/python', import.meta.url));
  const script = fileURLToPath(new URL('./__fixtures__/python_transcription_client.py', import.meta.url));
  const { stdout } = await run(python, [script, `${service.origin}/v1`, folder]);
  expect(stdout).toMatch(/^openai [\d.]+: all as it should be$/m);
});

it('curl', async () => {
  const fields = ['file=@a.wav', `model=${model}`, 'response_format=verbose_json', 'timestamp_granularities[]=word'];
  const url = `${service.origin}/v1/audio/transcriptions`;
  const { stdout } = await run('curl', ['-sS', ...fields.flatMap((field) => ['-F', field]), url], { cwd: folder });
  expect(JSON.parse(stdout)).toMatchObject({ text: TEXT, words: expect.any(Array) });
});
