import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { EngineDeadError } from '@xim/engine';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startChat, startEmbedding, startScripted, type TestService } from '../../__fixtures__/test-service.ts';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const python = file('../../../../../.venv/dev/bin/python');

let services: TestService[] = [];
beforeAll(async () => {
  const dying = startScripted(async function* () {
    yield { type: 'start', inputTokens: 1 };
    yield { type: 'text-delta', choice: 0, text: 'a', tokens: 1 };
    throw new EngineDeadError('It died.');
  });
  services = await Promise.all([startChat(), startEmbedding(), dying]);
});
afterAll(() => Promise.all(services.map((service) => service.close())));

it('serves the official Python client', { timeout: 300_000 }, async () => {
  const urls = services.map((service) => `${service.origin}/v1`);
  const { stdout } = await promisify(execFile)(python, [file('./__fixtures__/python_client.py'), ...urls]);
  expect(stdout).toMatch(/^openai [\d.]+: all as it should be$/m);
});

it('serves what Python clients parse: schemas, tools, completions', { timeout: 300_000 }, async () => {
  const script = file('./__fixtures__/python_structures.py');
  const { stdout } = await promisify(execFile)(python, [script, `${services[0]!.origin}/v1`]);
  expect(stdout).toMatch(/^openai [\d.]+, huggingface_hub [\d.]+: all as it should be$/m);
});
