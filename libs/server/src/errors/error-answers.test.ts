import { connect } from 'node:net';
import type { InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bareRoutes, type FakeServer, startFakeServer } from '../__fixtures__/fake-service.ts';
import { until } from '../__fixtures__/until.ts';

let server: FakeServer;
let url: string;

beforeAll(async () => {
  server = await startFakeServer({
    env: { XIM_BODY_LIMIT_BYTES: '500000' },
    routes: [
      bareRoutes,
      async (app) => {
        app.get('/v1/bug', () => {
          throw new TypeError('the user said: my secret');
        });
        app.get('/v1/things/:name', () => 'thing');
      },
    ],
  });
  url = await server.listen();
  await server.ready;
});
afterAll(() => server.close());

const json = { 'content-type': 'application/json' };
async function send(options: InjectOptions) {
  const answer = await server.app.inject(options);
  const { error } = answer.json<{ error: Record<string, unknown> }>();
  expect(Object.keys(error).sort()).toEqual(['code', 'message', 'param', 'type']);
  expect(answer.headers['x-request-id']).toMatch(/^req_[0-9a-f]{32}$/);
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  return { status: answer.statusCode, headers: answer.headers, error };
}

describe('an unknown path', () => {
  it.each(['/v1/nothing', '/nothing', '/v1/things', '/v1/things/a/b'])('is a 404: %s', async (path) => {
    expect(await send({ url: path })).toMatchObject({ status: 404, error: { code: 'unknown_url' } });
  });

  it('is a 404 whatever is sent to it', async () => {
    for (const type of ['image/png', 'application/json']) {
      for (const payload of ['{broken', 'x'.repeat(600_000)]) {
        const answer = await send({ method: 'POST', url: '/v1/x', headers: { 'content-type': type }, payload });
        expect(answer).toMatchObject({ status: 404 });
      }
    }
  });

  it('says that responses are not kept where one is read again', async () => {
    const { status, error } = await send({ url: '/v1/responses/resp_1' });
    expect([status, error['message']]).toEqual([404, expect.stringContaining('Responses are not kept')]);
  });

  it.each([
    ['/v1/v1/once', '/v1/once'],
    ['//v1//once', '/v1/once'],
    ['/once', '/v1/once'],
    ['/v1/onc', '/v1/once'],
    ['/v1/health/live/v1/once/', '/v1/once'],
  ])('that was nearly right names the right one: %s', async (path, meant) => {
    const { status, error } = await send({ method: 'POST', url: path, headers: json, payload: '{}' });
    expect([status, error['message']]).toEqual([
      404,
      expect.stringContaining(`Use POST ${meant}; the base URL of a client of OpenAI’s API ends in /v1, once.`),
    ]);
  });

  it('is not one with a slash at its end', async () => {
    const post = { method: 'POST', url: '/v1/body/', headers: json, payload: '{}' } as const;
    expect((await server.app.inject(post)).json()).toEqual({ body: {} });
    const models = await server.app.inject('/v1/models/');
    expect(models.json()).toMatchObject({ object: 'list' });
    expect((await server.app.inject('/docs/')).statusCode).toBe(200);
    expect(await send({ url: '/v1/once/' })).toMatchObject({ status: 405, headers: { allow: 'POST' } });
  });

  it('that cannot be decoded is a 400', async () => {
    expect(await send({ url: '/v1/%E0%A4%A' })).toMatchObject({ status: 400, error: { code: 'malformed_url' } });
  });
});

describe('a wrong method', () => {
  it.each([
    ['GET', '/v1/once', 'POST'],
    ['DELETE', '/v1/things/one?x=1', 'GET, HEAD'],
    ['PUT', '/health', 'GET, HEAD'],
    ['POST', '/v1/models/some/model', 'GET, HEAD'],
    ['OPTIONS', '/v1/once', 'POST'],
  ] as const)('is a 405 with Allow: %s %s', async (method, path, allow) => {
    const { status, headers, error } = await send({ method, url: path });
    expect([status, headers['allow'], error['code']]).toEqual([405, allow, 'method_not_supported']);
  });

  it('of HEAD has no body', async () => {
    const response = await fetch(`${url}/v1/once`, { method: 'HEAD' });
    expect([response.status, response.headers.get('allow'), await response.text()]).toEqual([405, 'POST', '']);
  });
});

describe('a hostile body', () => {
  const post = (payload: string | Buffer, headers: Record<string, string> = json) =>
    send({ method: 'POST', url: '/v1/body', headers, payload });

  it.each([
    ['no JSON', '{"a": secret', 'not valid JSON'],
    ['nothing', '', 'empty'],
    ['invalid UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22]), 'UTF-8'],
    ['arrays 200,000 deep', '['.repeat(200_000), 'nested deeper'],
    ['objects 101 deep', '{"a":'.repeat(101) + '1' + '}'.repeat(101), 'nested deeper'],
    ['20,001 parts', `[${'[],'.repeat(20_000)}[]]`, 'more than 20000 texts'],
    ['20,001 numbers', `[${'1,'.repeat(20_000)}1]`, 'more than 20000 numbers'],
    ['__proto__', '{"__proto__": {"admin": true}}', '__proto__'],
    ['constructor.prototype', '{"constructor": {"prototype": {"admin": true}}}', 'not allowed'],
    ['a lone high surrogate', '{"a": ["x\\ud83dx"]}', 'half a character'],
    ['a lone low surrogate in a key', '{"\\uDE00": 1}', 'half a character'],
  ])('%s is a 400', async (_what, payload, words) => {
    const { status, error } = await post(payload);
    expect([status, error['code'], error['message']]).toEqual([400, 'malformed_body', expect.stringContaining(words)]);
    expect(error['message']).not.toContain('secret');

    // A large body is read in steps, with the same outcome.
    const large = await post(Buffer.concat([Buffer.from(payload), Buffer.alloc(70_000, ' ')]));
    const expected = payload === '' ? 'not valid JSON' : words;
    expect([large.status, large.error['message']]).toEqual([400, expect.stringContaining(expected)]);
  });

  it('beside a large one is answered with its own content, however many there are', async () => {
    const bodies = Array.from({ length: 8 }, (_, i) => ({ text: String(i).repeat(80_000 * (i % 3)), number: i }));
    const answers = bodies.map((payload) => server.app.inject({ method: 'POST', url: '/v1/body', payload }));
    const echoed = (await Promise.all(answers)).map((answer) => answer.json<{ body: object }>().body);
    expect(echoed).toEqual(bodies);
  });

  it.each([undefined, 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'nonsense'])(
    'of type %s is a 415',
    async (type) => {
      const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
      const { status, error } = await post(Buffer.from('{}'), headers);
      expect([status, error['code']]).toEqual([415, 'unsupported_media_type']);
    },
  );

  it('that is too large is a 413, before it is read', async () => {
    expect(await post(`"${'x'.repeat(600_000)}"`)).toMatchObject({ status: 413, error: { code: 'request_too_large' } });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (data) => (answer += data.toString())).on('error', () => undefined);
    socket.write(
      'POST /v1/body HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 600000\r\n\r\n{',
    );
    await until(() => socket.readableEnded || socket.destroyed, 'the connection is closed');
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(answer).toContain('request_too_large');
    socket.destroy();
  });

  it('is told apart from an unusual one', async () => {
    const unusual = [
      `{"a": "\\"${'['.repeat(200)}"}`,
      '{"a": "[[[{{{\\"", "b": "\\ud83d\\ude00 \\\\ud800"}',
      '[1e400, 12345678901234567890]',
      `${'['.repeat(100)}${']'.repeat(100)}`,
    ];
    for (const payload of unusual) {
      const answer = await server.app.inject({ method: 'POST', url: '/v1/body', headers: json, payload });
      expect([answer.statusCode, answer.json()]).toEqual([
        200,
        { body: JSON.parse(JSON.stringify(JSON.parse(payload))) as unknown },
      ]);
    }
    const charset = { 'content-type': 'application/json; charset=utf-8' };
    const answer = await server.app.inject({ method: 'POST', url: '/v1/body', headers: charset, payload: '{}' });
    expect(answer.statusCode).toBe(200);
  });
});

describe('what is no HTTP', () => {
  it.each([
    ['NONSENSE\r\n\r\n', '400'],
    [`GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(70_000)}\r\n\r\n`, '431'],
  ])('is answered in the same shape and closed', async (bytes, status) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (data) => (answer += data.toString())).on('error', () => undefined);
    socket.write(bytes);
    await until(() => socket.destroyed || socket.readableEnded, 'the connection is closed');
    const [head, body] = answer.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toMatch(/x-request-id: req_/);
    expect(JSON.parse(body!)).toMatchObject({ error: { type: 'invalid_request_error' } });
    socket.destroy();
  });
});

describe('a bug', () => {
  it('is a 500 without words; the log has its place and not its words', async () => {
    expect(await send({ url: '/v1/bug' })).toMatchObject({ status: 500, error: { code: 'internal_error' } });
    const line = server.log.find((one) => one['msg'] === 'a route failed');
    expect(line).toMatchObject({ name: 'TypeError', requestId: expect.stringMatching(/^req_/) as string });
    expect(JSON.stringify(line)).toContain('error-answers.test.ts');
    expect(JSON.stringify(server.log)).not.toContain('secret');
  });
});
