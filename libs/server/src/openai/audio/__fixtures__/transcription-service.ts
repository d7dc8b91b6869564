import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { EngineFactory, EngineInfo, TranscribeEvent, TranscribeInput } from '@xim/engine';
import { echo, echoModel, type EchoOptions } from '@xim/engine-echo';
import OpenAI from 'openai';
import { scripted } from '../../../__fixtures__/scripted-engine.ts';
import { until } from '../../../__fixtures__/until.ts';
import { venvs } from '../../../__fixtures__/venvs.ts';
import { readConfig } from '../../../config/config.ts';
import { createServer } from '../../../create-server.ts';
import { silentWav } from '../../../http/__fixtures__/silent-wav.ts';
import { defineService } from '../../../service.ts';
import { transcriptions } from '../route.ts';

export interface TranscriptionService {
  readonly origin: string;
  /** The official client, without its retries. */
  readonly client: OpenAI;
  /** Sends a form with `file` (5 seconds of silence) and the model; a list is a field that comes more than once. */
  send(fields: Record<string, string | readonly string[] | Blob>, path?: string): Promise<Response>;
  get(path: string): Promise<string>;
  close(): Promise<void>;
}

export const TRANSCRIPTIONS = '/v1/audio/transcriptions';
export const TRANSLATIONS = '/v1/audio/translations';

export const wavFile = (seconds: number): File =>
  new File([new Uint8Array(silentWav(seconds))], 'a.wav', { type: 'audio/wav' });

async function start(engine: EngineFactory, options: EchoOptions = {}): Promise<TranscriptionService> {
  const folder = mkdtempSync(join(tmpdir(), 'xim-audio-'));
  const file = join(folder, 'models.json');
  writeFileSync(file, JSON.stringify({ lockVersion: 1, models: { main: echoModel('transcribe', options) } }));
  const uploads = mkdtempSync(join(tmpdir(), 'xim-uploads-'));
  const { config } = readConfig({
    ...{ XIM_SLOTS: '4', XIM_QUEUE: '16', XIM_LOG_LEVEL: 'silent', XIM_VENVS: venvs },
    ...{ XIM_TMP: uploads, XIM_MODEL_ALIASES: 'whisper-1,gpt-4o-transcribe' },
  });
  const models = pathToFileURL(file);
  const service = defineService({
    name: 'audio',
    task: 'transcribe',
    engines: [engine],
    models,
    routes: [transcriptions],
  });
  const server = await createServer(service, config);
  const origin = await server.app.listen({ host: '127.0.0.1', port: 0 });
  await server.ready;
  return {
    origin,
    client: new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'none', maxRetries: 0 }),
    send(fields, path = TRANSCRIPTIONS) {
      const form = new FormData();
      for (const [name, value] of Object.entries({ model: 'whisper-1', file: wavFile(5), ...fields })) {
        for (const one of [value].flat() as (string | Blob)[]) form.append(name, one);
      }
      return fetch(`${origin}${path}`, { method: 'POST', body: form });
    },
    get: async (path) => (await fetch(`${origin}${path}`)).text(),
    async close() {
      await server.close({ drainMs: 0 });
      await until(() => readdirSync(uploads).length === 0, 'no upload is left');
      for (const one of [folder, uploads]) rmSync(one, { recursive: true });
    },
  };
}

/** The real server over a real worker that hears a sentence for every two seconds. */
export const startEcho = (options?: EchoOptions) => start(echo, options);

type Transcribe = (input: TranscribeInput) => AsyncIterable<TranscribeEvent>;

/** The real server over an engine in this process that says what the test says. */
export const startScripted = (transcribe: Transcribe, more: Partial<EngineInfo> = {}) =>
  start(scripted({ transcribe }, more));
