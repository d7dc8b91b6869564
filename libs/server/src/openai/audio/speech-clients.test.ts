import { execFile } from 'node:child_process';
import { createOpenAI } from '@ai-sdk/openai';
import { experimental_generateSpeech as generateSpeech } from 'ai';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type MediaService, startMediaService } from '../../http/__fixtures__/media-service.ts';
import { speech } from './speech.ts';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

let service: MediaService;
beforeAll(async () => {
  service = await startMediaService('speak', { routes: [speech], model: { voiceAliases: { alloy: 'alto' } } });
});
afterAll(() => service.stop());

it('serves the official Python client', { timeout: 300_000 }, async () => {
  const python = file('../../../../../.venv/dev/bin/python');
  const script = file('./__fixtures__/python_speech_client.py');
  const { stdout } = await promisify(execFile)(python, [script, `${service.url}/v1`]);
  expect(stdout).toMatch(/^openai [\d.]+: all as it should be$/m);
});

it('serves the AI SDK', async () => {
  const model = createOpenAI({ baseURL: `${service.url}/v1`, apiKey: 'none' }).speech('xim/echo-speak');
  const request = { model, text: 'hello there', voice: 'alloy', outputFormat: 'wav', speed: 2, maxRetries: 0 };
  const { audio } = await generateSpeech(request);
  const file = Buffer.from(audio.uint8Array);
  expect([audio.mediaType, file.toString('latin1', 8, 12)]).toEqual(['audio/wav', 'WAVE']);
  // 0.06 seconds for a character, at twice the speed.
  expect(file.readUInt32LE(40)).toBe(2 * Math.round(('hello there'.length * 0.06 * 24_000) / 2));
  await expect(generateSpeech({ ...request, voice: 'nobody' })).rejects.toThrow('There is no voice "nobody"');
});

it('serves curl, which writes the bytes into a pipe as they come', async () => {
  const body = JSON.stringify({ model: 'xim/echo-speak', voice: 'alto', input: 'hello', response_format: 'pcm' });
  const command = `curl -sS -f ${service.url}/v1/audio/speech -H 'content-type: application/json' -d '${body}' | wc -c`;
  const { stdout } = await promisify(execFile)('sh', ['-c', command]);
  expect(Number(stdout)).toBe(2 * Math.round('hello'.length * 0.06 * 24_000));
});
