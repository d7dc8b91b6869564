import { fileURLToPath } from 'node:url';
import { createServer, readConfig, type XimServer } from '@xim/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import app from './app.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The service as it is shipped, on its real models. */
describe('whisperx', { timeout: 300_000 }, () => {
  let server: XimServer;

  beforeAll(async () => {
    const env = { XIM_VENVS: `${root}.venv`, XIM_MODEL_CACHE: `${root}.model_cache`, XIM_LOG_LEVEL: 'silent' };
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

  it('answers to the names of OpenAI', async () => {
    const { data } = (await server.app.inject('/v1/models')).json();
    expect(data.map(({ id }: { id: string }) => id)).toContain('openai/whisper-base');
  });
});
