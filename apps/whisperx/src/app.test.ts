import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createServer, readConfig, type XimServer } from '@xim/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import app from './app.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The service as it is shipped, on its real models. */
describe('whisperx', { timeout: 300_000 }, () => {
  let server: XimServer;

  beforeAll(async () => {
    const { XIM_VENVS, XIM_MODEL_CACHE } = process.env;
    const env = { XIM_VENVS, XIM_MODEL_CACHE, XIM_LOG_LEVEL: 'silent' };
    server = await createServer(app, readConfig(env).config);
    await server.ready;
  }, 300_000);
  afterAll(() => server.close());

  it('runs Whisper with its companions, in its own environment', async () => {
    expect((await server.app.inject('/v1/metadata')).json()).toMatchObject({
      service: { name: 'whisperx', task: 'transcribe' },
      engine: { name: 'oneapi', info: { runtime: { name: 'ctranslate2' }, dtype: 'int8' } },
    });
  });

  it('hears what was said, with words and speakers', async () => {
    const address = await server.app.listen({ host: '127.0.0.1', port: 0 });
    const recording = readFileSync(`${root}libs/engine-oneapi/src/__fixtures__/speech/jfk.ogg`);
    const form = new FormData();
    form.set('file', new File([recording], 'jfk.ogg'));
    form.set('model', 'whisper-1');
    form.set('response_format', 'verbose_json');
    form.append('timestamp_granularities[]', 'word');
    const answer = await fetch(`${address}/v1/audio/transcriptions`, { method: 'POST', body: form });
    const { text, words, language } = (await answer.json()) as { text: string; words: object[]; language: string };
    expect(text.toLowerCase().replaceAll(/[^a-z ]/g, '')).toContain('ask what you can do for your country');
    expect(language).toBe('english');
    expect(words.length).toBeGreaterThan(15);
  });

  it('answers to the names of OpenAI', async () => {
    const { data } = (await server.app.inject('/v1/models')).json();
    expect(data.map(({ id }: { id: string }) => id)).toContain('openai/whisper-base');
  });
});
