import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type FakeServer, startFakeServer } from '../__fixtures__/fake-service.ts';
import { until } from '../__fixtures__/until.ts';

let server: FakeServer;
let url: string;
let from: number;
beforeAll(async () => {
  server = await startFakeServer({ env: { XIM_LOG_LEVEL: 'info' } });
  url = await server.listen();
  await server.ready;
});
beforeEach(() => (from = server.log.length));
afterAll(() => server.close());

const trace = '0af7651916cd43dd8448eb211c80319c';
const post = (path: string, body: object, headers: Record<string, string> = {}) =>
  fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
async function logged(count = 1): Promise<Readonly<Record<string, unknown>>[]> {
  await until(() => server.log.length >= from + count, 'the line');
  return server.log.slice(from);
}

describe('the log', () => {
  it('has one line per request: facts, ids, nothing of the text', async () => {
    const headers = {
      'x-request-id': 'mine',
      traceparent: `00-${trace}-b7ad6b7169203331-01`,
      authorization: 'Bearer secret',
    };
    const response = await post('/v1/stream?q=secret', { tokens: 4, messages: 'secret' }, headers);
    await response.text();
    const lines = await logged();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      service: 'fake',
      requestId: 'mine',
      method: 'POST',
      route: '/v1/stream',
      status: 200,
      durationMs: expect.any(Number) as number,
      inputTokens: 5,
      outputTokens: 4,
      queueMs: expect.any(Number) as number,
      firstTokenMs: expect.any(Number) as number,
      traceId: trace,
      msg: 'request',
    });
    expect(JSON.stringify(lines)).not.toContain('secret');
  });

  it('names the code of a failure, and an unknown path as unknown', async () => {
    await (await post('/v1/secret', {})).text();
    expect(await logged()).toMatchObject([{ route: 'unknown', status: 404, error: 'XIM_ROUTE_NOT_FOUND' }]);
    expect(JSON.stringify(server.log)).not.toContain('/v1/secret');
  });

  it('leaves probes out', async () => {
    await fetch(`${url}/health`);
    await (await post('/v1/once', {})).text();
    expect(await logged()).toMatchObject([{ route: '/v1/once' }]);
  });

  it.each([
    'nonsense',
    `00-${trace}-b7ad6b7169203331`,
    `ff-${trace}-b7ad6b7169203331-01`,
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace}-b7ad6b7169203331-01-more`,
    `00-${trace.toUpperCase()}-b7ad6b7169203331-01`,
  ])('takes no invalid traceparent: %s', async (traceparent) => {
    await (await post('/v1/once', {}, { traceparent })).text();
    expect((await logged())[0]).not.toHaveProperty('traceId');
  });
});

describe('a request id', () => {
  it.each(['a', 'A-b_c.9', 'x'.repeat(128)])('of the client is kept: %s', async (id) => {
    expect((await post('/v1/once', {}, { 'x-request-id': id })).headers.get('x-request-id')).toBe(id);
  });

  it.each(['x'.repeat(129), 'a b', 'a"b', 'ü', '{}', ''])('that could do harm is replaced: %s', async (id) => {
    const given = (await post('/v1/once', {}, { 'x-request-id': id })).headers.get('x-request-id');
    expect(given).toMatch(/^req_[0-9a-f]{32}$/);
  });
});
