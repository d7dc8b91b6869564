import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { textGeneration, textGenerationStream } from '@huggingface/inference';
import { EngineDeadError } from '@xim/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChat, startScripted, type TestService } from '../__fixtures__/test-service.ts';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const python = file('../../../../.venv/dev/bin/python');
const TEXT = 'Zwölf Boxkämpfer 東京 🙂\u2028Ende';

let service: TestService;
let dying: TestService;
beforeAll(async () => {
  const entry = (id: number, token: string) => ({ id, token, bytes: [...Buffer.from(token)], logprob: -1, top: [] });
  [service, dying] = await Promise.all([
    startChat(),
    startScripted(async function* () {
      yield { type: 'start', inputTokens: 1 };
      yield { type: 'text-delta', choice: 0, text: 'a', tokens: 1, logprobs: [entry(1, 'a')] };
      yield { type: 'text-delta', choice: 0, text: 'b', tokens: 1, logprobs: [entry(2, 'b')] };
      throw new EngineDeadError('It died.');
    }),
  ]);
});
afterAll(() => Promise.all([service.close(), dying.close()]));

it('serves huggingface_hub', { timeout: 300_000 }, async () => {
  const script = file('./__fixtures__/python_tgi_client.py');
  const { stdout } = await promisify(execFile)(python, [script, service.origin, dying.origin]);
  expect(stdout).toMatch(/^huggingface_hub [\d.]+: all as it should be$/m);
});

describe('serves @huggingface/inference', { timeout: 60_000 }, () => {
  it('at once', async () => {
    const { generated_text: text, details } = await textGeneration({
      endpointUrl: service.origin,
      inputs: TEXT,
      parameters: { return_full_text: false, details: true, max_new_tokens: 3 },
    });
    expect(TEXT.startsWith(text)).toBe(true);
    expect(details).toMatchObject({ finish_reason: 'length', generated_tokens: 3 });
  });

  it('as a stream', async () => {
    const events = [];
    const request = { endpointUrl: service.origin, inputs: TEXT, parameters: { return_full_text: false } };
    for await (const event of textGenerationStream(request)) events.push(event);
    expect(events.map((event) => event.token.text).join('')).toBe(TEXT);
    expect(events.at(-1)?.generated_text).toBe(TEXT);
  });

  it('with errors that it tells its caller', async () => {
    const refused = textGeneration({ endpointUrl: service.origin, inputs: TEXT, parameters: { top_p: 2 } });
    await expect(refused).rejects.toThrow(/Input validation error.*parameters\.top_p/);
    const read = async () => {
      for await (const _ of textGenerationStream({ endpointUrl: dying.origin, inputs: TEXT }));
    };
    await expect(read()).rejects.toThrow(/The engine stopped/);
  });
});
