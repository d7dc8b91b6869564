import type { GenerateEvent, GenerateInput, Sampling } from '@xim/engine';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { startScripted, type TestService } from '../__fixtures__/test-service.ts';

/** The sampling of every input that reached the engine. */
let seen: (Sampling | undefined)[] = [];
let service: TestService;

async function* record(input: GenerateInput): AsyncGenerator<GenerateEvent> {
  seen.push(input.sampling);
  yield { type: 'start', inputTokens: 1 };
  yield { type: 'choice-end', choice: 0, reason: 'stop' };
  yield { type: 'end', usage: { inputTokens: 1, outputTokens: 0 } };
}

beforeAll(async () => {
  service = await startScripted(record, {}, new URL('../__fixtures__/sampling-models.json', import.meta.url));
});
afterAll(() => service.close());
beforeEach(() => {
  seen = [];
});

const chat = (fields: object) =>
  service.post('/v1/chat/completions', {
    model: 'gpt-4o-mini',
    messages: [{ role: 'user', content: 'hi' }],
    ...fields,
  });

it('is taken where a request says nothing', async () => {
  expect((await chat({})).status).toBe(200);
  expect((await chat({ temperature: null, seed: 7 })).status).toBe(200);
  expect(seen).toEqual([
    { temperature: 0.2, topP: 0.9, topK: 40 },
    { temperature: 0.2, topP: 0.9, topK: 40, seed: 7 },
  ]);
});

it('gives way to every explicit value, also to one that means "off"', async () => {
  expect((await chat({ temperature: 1, top_p: 1, top_k: -1, min_p: 0 })).status).toBe(200);
  expect(seen).toEqual([{ temperature: 1, topP: 1, topK: 0, minP: 0 }]);
});

it('is taken for each prompt of a completion', async () => {
  const body = { model: 'gpt-4o-mini', prompt: ['a', 'b'], top_p: 0.5 };
  expect((await service.post('/v1/completions', body)).status).toBe(200);
  expect(seen).toEqual(Array.from({ length: 2 }, () => ({ temperature: 0.2, topP: 0.5, topK: 40 })));
});

it('is not taken for the routes of TGI, which have defaults of their own', async () => {
  expect((await service.post('/generate', { inputs: 'a' })).status).toBe(200);
  expect(seen).toMatchObject([{ temperature: 1, topP: 1 }]);
  expect(seen[0]!.topK).toBeUndefined();
});

it('is told at /v1/metadata', async () => {
  const { model } = (await (await service.get('/v1/metadata')).json()) as { model: { sampling: Sampling } };
  expect(model.sampling).toEqual({ temperature: 0.2, topP: 0.9, topK: 40 });
});
