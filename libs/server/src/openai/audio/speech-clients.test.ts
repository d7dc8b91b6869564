import { execFile } from 'node:child_process';
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
