import { EngineRequestError, InvalidInputError } from '@xim/engine';
import type { InjectOptions } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { type FakeServer, type FakeServerOptions, startFakeServer } from '../__fixtures__/fake-service.ts';
import { framesOf, startIdle, startScripted } from '../__fixtures__/test-service.ts';
import { until } from '../__fixtures__/until.ts';
import { textGeneration } from './route.ts';

const PATHS = ['/', '/generate', '/generate_stream', '/tokenize', '/chat_tokenize'];
const BODY = { inputs: 'hi', messages: [{ role: 'user', content: 'hi' }] };

let server: FakeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});
async function start(options: FakeServerOptions = {}): Promise<FakeServer> {
  server = await startFakeServer({ routes: [textGeneration], ...options });
  await server.ready;
  return server;
}

/** Status and body of an answer that must be an error in that server's shape, and no more. */
async function failed(at: FakeServer, options: InjectOptions): Promise<[status: number, type: string, words: string]> {
  const answer = await at.app.inject({ method: 'POST', payload: BODY, ...options });
  const body = answer.json<{ error: string; error_type: string }>();
  expect(Object.keys(body).sort()).toEqual(['error', 'error_type']);
  expect(answer.headers['x-request-id']).toMatch(/^req_/);
  return [answer.statusCode, body.error_type, body.error];
}
const json = { 'content-type': 'application/json' };

describe('an error outside the route has the shape of the route’s API', () => {
  it.each(PATHS)('POST %s', async (url) => {
    const at = await start({ env: { XIM_API_KEYS: 'k', XIM_BODY_LIMIT_BYTES: '2000' } });
    const headers = { ...json, authorization: 'Bearer k' };
    const post = (options: InjectOptions) => failed(at, { url, headers, ...options });
    expect(await failed(at, { url })).toEqual([401, 'unauthorized', expect.stringContaining('API key')]);
    expect(await post({ payload: '{' })).toEqual([
      422,
      'validation',
      expect.stringMatching(/^Input validation error: The body is not valid JSON/),
    ]);
    expect((await post({ payload: '' })).slice(0, 2)).toEqual([422, 'validation']);
    expect((await post({ payload: { inputs: 'x'.repeat(3000) } })).slice(0, 2)).toEqual([413, 'validation']);
    const text = { ...headers, 'content-type': 'text/csv' };
    expect((await post({ payload: 'a', headers: text })).slice(0, 2)).toEqual([415, 'validation']);
    expect((await post({ method: 'DELETE', payload: undefined })).slice(0, 2)).toEqual([405, 'method_not_allowed']);
  });

  it('while other paths keep theirs', async () => {
    const at = await start();
    for (const url of ['/generate/x', '/v1/nothing', '/v1/models/x']) {
      const answer = await at.app.inject(url);
      expect([answer.statusCode, answer.json()]).toEqual([404, { error: expect.objectContaining({ param: null }) }]);
    }
  });
});

describe('a request that cannot run now', () => {
  it('is a 503 while the model loads', async () => {
    server = await startFakeServer({ routes: [textGeneration], behaviour: { startMs: 200 } });
    expect(await failed(server, { url: '/generate' })).toEqual([503, 'unhealthy', 'The model is being loaded.']);
    const health = await server.app.inject('/health');
    expect([health.statusCode, health.json()]).toEqual([
      503,
      { status: 'loading', reason: 'The model is being loaded.', error: 'unhealthy', error_type: 'healthcheck' },
    ]);
    // What is known without an engine is told.
    const info = (await server.app.inject('/info')).json<object>();
    expect(info).toMatchObject({ max_concurrent_requests: 4, version: '1.2.3' });
    expect(info).not.toHaveProperty('model_dtype');
    await server.ready;
  });

  it('is a 429 with Retry-After when slots and queue are full', async () => {
    const at = await start({ behaviour: { hangs: true }, env: { XIM_SLOTS: '1', XIM_QUEUE: '1' } });
    const running = [0, 1].map(() => at.app.inject({ method: 'POST', url: '/generate', payload: BODY }));
    await until(() => at.factory.engine.running === 1, 'the first one runs');
    for (const url of ['/', '/generate_stream']) {
      const answer = await at.app.inject({ method: 'POST', url, payload: { ...BODY, stream: true } });
      expect([answer.statusCode, answer.json<{ error_type: string }>().error_type]).toEqual([429, 'overloaded']);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    at.factory.engine.die('somebody killed it');
    for (const answer of await Promise.all(running)) expect(answer.statusCode).toBe(503);
  });

  it('is a 504 when its time is over', async () => {
    const at = await start({ behaviour: { hangs: true } });
    const late = await failed(at, { url: '/generate', headers: { 'x-request-timeout': '0.05' } });
    expect(late.slice(0, 2)).toEqual([504, 'timeout']);
  });
});

const start1 = { type: 'start', inputTokens: 1 } as const;
const entry = (token: string) => ({ id: 7, token, bytes: [...Buffer.from(token)], logprob: -1, top: [] });
const word = (text: string) => ({ type: 'text-delta', choice: 0, text, tokens: 1, logprobs: [entry(text)] }) as const;

describe('a failing engine', () => {
  it.each<[string, Error | undefined, number, string]>([
    ['failed on the request', new EngineRequestError('secret words'), 424, 'generation'],
    ['ended without its end', undefined, 500, 'incomplete_generation'],
    ['has a bug around it', new TypeError('secret words'), 500, 'internal'],
  ])('that %s', async (_, error, status, type) => {
    const service = await startScripted(async function* () {
      yield start1;
      yield word('a');
      yield word('b');
      if (error) throw error;
    });
    const whole = await service.post('/generate', { inputs: 'hi' });
    const body = { error: expect.any(String) as string, error_type: type };
    expect([whole.status, await whole.json()]).toEqual([status, body]);
    const frames = framesOf(await (await service.post('/generate_stream', { inputs: 'hi' })).text());
    expect(frames.map((frame) => JSON.parse(frame) as object)).toEqual([
      { index: 1, token: { id: 7, text: 'a', logprob: -1, special: false }, generated_text: null, details: null },
      body,
    ]);
    expect(frames.join()).not.toContain('secret');
    await service.close();
  });

  it('that refuses is quoted by the request’s names', async () => {
    const service = await startScripted(async function* () {
      throw new InvalidInputError('The keyword "not" is not supported.', { param: 'format.schema.properties.a.not' });
      yield start1;
    });
    const grammar = { type: 'json', value: { type: 'object', properties: { a: { not: {} } } } };
    for (const path of ['/generate', '/generate_stream']) {
      const answer = await service.post(path, { inputs: 'hi', parameters: { grammar } });
      const error =
        'Input validation error: `parameters.grammar.value.properties.a.not`: The keyword "not" is not supported.';
      expect([answer.status, await answer.json()]).toEqual([422, { error, error_type: 'validation' }]);
    }
    await service.close();
  });

  it('that can neither generate nor tokenise says so', async () => {
    const service = await startIdle();
    expect((await service.post('/generate', BODY)).status).toBe(422);
    for (const path of ['/tokenize', '/chat_tokenize']) expect((await service.post(path, BODY)).status).toBe(404);
    await service.close();
  });
});
