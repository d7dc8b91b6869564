import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { EngineRequestError, InvalidInputError } from '@xim/engine';
import { afterEach, describe, expect, it } from 'vitest';
import { type FakeServer, type FakeServerOptions, startFakeServer } from '../__fixtures__/fake-service.ts';
import { until } from '../__fixtures__/until.ts';

let server: FakeServer;
let url: string;

async function start(options: FakeServerOptions = {}): Promise<void> {
  server = await startFakeServer(options);
  url = await server.listen();
  await server.ready;
}

const post = (path: string, body: object = {}, init: RequestInit = {}): Promise<Response> =>
  fetch(url + path, {
    method: 'POST',
    ...init,
    headers: { 'content-type': 'application/json', ...init.headers },
    body: JSON.stringify(body),
  });

const lines = async (response: Response): Promise<Record<string, unknown>[]> =>
  (await response.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name}{`) || one.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1));
}

/** Sequences that run or wait. */
const admitted = async (): Promise<number> =>
  (await metric('xim_running_sequences')) + (await metric('xim_queue_sequences'));

/** Lets calls of an engine that stood still run to their end. */
function goOn(): void {
  server.factory.behaviour.tokenMs = 0;
  server.factory.engine.proceed();
}

/** Nothing runs, waits or is open any more. */
async function idle(): Promise<void> {
  await until(() => server.factory.engine.running === 0, 'the engine is idle');
  expect(await metric('xim_running_sequences')).toBe(0);
  expect(await metric('xim_queue_sequences')).toBe(0);
}

afterEach(async () => {
  await server.close({ drainMs: 0 });
});

describe('a call', () => {
  it('passes the events through, with the request’s id, and gives its slot back', async () => {
    await start();
    const response = await post('/v1/stream', { tokens: 4 }, { headers: { 'x-request-id': 'abc' } });
    const events = await lines(response);
    expect(events.map((event) => event['type'])).toEqual([
      'start',
      ...Array<string>(4).fill('text-delta'),
      'choice-end',
      'end',
    ]);
    expect(server.factory.engine.options[0]?.id).toBe('abc');
    expect(server.factory.engine.ends).toEqual(['end']);
    await idle();
  });

  it('answers once', async () => {
    await start();
    expect(await (await post('/v1/once')).json()).toMatchObject({ text: 'sea' });
    await idle();
  });

  it('takes a slot per sequence, and at most all', async () => {
    await start({ behaviour: { tokenMs: 1e6 } });
    const running = post('/v1/stream', { choices: 10, tokens: 5 });
    await until(() => server.factory.engine.running === 1, 'it runs');
    expect(await metric('xim_running_sequences')).toBe(2);
    goOn();
    expect((await lines(await running)).at(-1)).toMatchObject({ usage: { outputTokens: 50 } });
    await idle();
  });

  it('waits in the queue, in order, and is refused with 429 and Retry-After beyond it', async () => {
    await start({ behaviour: { tokenMs: 1e6 } });
    const accepted: Promise<number>[] = [];
    for (const id of ['a', 'b', 'c', 'd']) {
      const answer = post('/v1/stream', { tokens: 30 }, { headers: { 'x-request-id': id } });
      accepted.push(answer.then(async (response) => (await response.text(), response.status)));
      await until(async () => (await admitted()) === accepted.length, `call ${id} has a slot or a place in the queue`);
    }
    expect(await metric('xim_queue_sequences')).toBe(2);
    const refused = await post('/v1/stream');
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await refused.json()).toMatchObject({ error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' } });
    expect(server.factory.engine.running).toBe(2);
    goOn();
    expect(await Promise.all(accepted)).toEqual([200, 200, 200, 200]);
    expect(server.factory.engine.options.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
    expect(await metric('xim_refused_total')).toBe(1);
    await idle();
  });

  it('fails as the engine says, before its first event, and harms no other', async () => {
    await start();
    server.factory.behaviour.callError = new InvalidInputError('Too long.', { code: 'XIM_CONTEXT_LENGTH_EXCEEDED' });
    const invalid = await post('/v1/stream');
    expect([invalid.status, await invalid.json()]).toMatchObject([400, { error: { code: 'context_length_exceeded' } }]);
    server.factory.behaviour.callError = new EngineRequestError('secret words');
    const failed = await post('/v1/once');
    const body = await failed.text();
    expect([failed.status, JSON.parse(body)]).toMatchObject([500, { error: { code: 'engine_request_failed' } }]);
    expect(body + JSON.stringify(server.log)).not.toContain('secret words');
    server.factory.behaviour.callError = undefined;
    expect((await post('/v1/once')).status).toBe(200);
    await idle();
  });
});

describe('a client that goes away', () => {
  it.each(['/v1/stream', '/v1/once'])('ends a running call of %s and frees its slot', async (path) => {
    await start({ behaviour: { tokenMs: path === '/v1/once' ? 1e6 : 5 } });
    const client = new AbortController();
    const answer = post(path, { tokens: 1e6 }, { signal: client.signal }).then((response) => response.text());
    await until(() => server.factory.engine.running === 1, 'it runs');
    client.abort();
    await expect(answer).rejects.toThrow('abort');
    await until(() => server.factory.engine.ends.length === 1, 'the engine was told');
    expect(server.factory.engine.ends).toEqual(['cancelled']);
    await idle();
    await until(() => server.log.some((line) => line['status'] === 499), 'it is logged');
  });

  it.each(['/v1/stream', '/v1/once'])('leaves the queue without reaching the engine (%s)', async (path) => {
    await start({ behaviour: { tokenMs: 10 } });
    const first = post('/v1/stream', { tokens: 1e6, choices: 2 });
    await first;
    const client = new AbortController();
    const waiting = post(path, {}, { signal: client.signal });
    await until(async () => (await metric('xim_queue_sequences')) === 1, 'it waits');
    client.abort();
    await expect(waiting).rejects.toThrow('abort');
    await until(async () => (await metric('xim_queue_sequences')) === 0, 'the queue is empty');
    expect(server.factory.engine.options).toHaveLength(1);
    expect(await metric('xim_refused_total')).toBe(1);
    await (await first).body?.cancel();
    await idle();
  });

  it('ends a call though nobody asks for its next event', async () => {
    let opened = false;
    await start({
      routes: [
        async (app) => {
          app.post('/v1/lazy', async (request) => {
            const events = app.xim.calls.stream(request, 1, (engine, options) =>
              engine.generate!({ prompt: { text: 'x' } }, options),
            );
            await events[Symbol.asyncIterator]().next();
            opened = true;
            return new Promise(() => undefined);
          });
        },
      ],
    });
    const client = new AbortController();
    const answer = post('/v1/lazy', {}, { signal: client.signal });
    await until(() => opened, 'the call is open');
    client.abort();
    await expect(answer).rejects.toThrow('abort');
    await idle();
  });

  it('is noticed on a connection that carried many requests, without a listener left from them', async () => {
    await start({ behaviour: { tokenMs: 1 } });
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    let received = '';
    socket.on('data', (data) => (received += data.toString()));
    const counts = new Set<number>();
    server.app.server.on('request', (request) => counts.add(request.socket.listenerCount('close')));
    for (let i = 1; i <= 30; i++) {
      socket.write('POST /v1/once HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
      await until(() => received.split('"text":"sea"}').length === i + 1, `answer ${i}`);
    }
    expect(Math.max(...counts)).toBeLessThan(6);
    server.factory.behaviour.tokenMs = 1e6;
    socket.write('POST /v1/once HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    await until(() => server.factory.engine.running === 1, 'it runs');
    socket.destroy();
    await idle();
    expect(server.factory.engine.ends.at(-1)).toBe('cancelled');
  });

  it('is cut off when it reads nothing of what waits for it', async () => {
    const piece = 'x'.repeat(1 << 20);
    await start({
      env: { XIM_READ_TIMEOUT_SECONDS: '0.2' },
      routes: [
        async (app) => {
          app.post('/v1/flood', async (request, reply) => {
            reply.hijack();
            const events = app.xim.calls.stream(request, 1, (engine, options) =>
              engine.generate!({ prompt: { text: 'x' }, maxTokens: 1e6 }, options),
            );
            for await (const event of events)
              reply.raw.write(event.type + (reply.raw.writableLength < 1e7 ? piece : ''));
          });
        },
      ],
    });
    const request = httpRequest(`${url}/v1/flood`, { method: 'POST' }, (response) => response.pause());
    request.on('error', () => undefined).end();
    await until(() => server.factory.engine.ends.length === 1, 'the call ended');
    expect(server.factory.engine.ends).toEqual(['cancelled']);
    await idle();
    request.destroy();
  });
});

describe('a deadline', () => {
  it.each(['/v1/stream', '/v1/once'])('ends a running call of %s', async (path) => {
    await start({ env: { XIM_REQUEST_TIMEOUT_SECONDS: '0.3' }, behaviour: { tokenMs: 1e6 } });
    const response = await post(path);
    if (path === '/v1/once') {
      expect([response.status, response.headers.get('x-should-retry')]).toEqual([504, 'false']);
      expect(await response.json()).toMatchObject({ error: { code: 'deadline_exceeded' } });
    } else {
      expect((await lines(response)).at(-1)).toEqual({ failed: 'XIM_DEADLINE' });
    }
    await idle();
  });

  it('ends a call that waits in the queue', async () => {
    await start({ env: { XIM_REQUEST_TIMEOUT_SECONDS: '60' }, behaviour: { tokenMs: 1 } });
    const first = await post('/v1/stream', { tokens: 1e6, choices: 2 });
    const second = await post('/v1/stream', {}, { headers: { 'x-request-timeout': '0.2' } });
    expect(second.status).toBe(504);
    expect(server.factory.engine.options).toHaveLength(1);
    await first.body?.cancel();
    await idle();
  });

  it('is refused when it makes no sense', async () => {
    await start();
    const response = await post('/v1/once', {}, { headers: { 'x-request-timeout': 'soon' } });
    expect([response.status, await response.json()]).toMatchObject([400, { error: { param: 'x-request-timeout' } }]);
    await idle();
  });
});

describe('measuring', () => {
  it('counts tokens, times and sequences once', async () => {
    await start();
    await (await post('/v1/stream', { tokens: 4, choices: 2 })).text();
    await (await post('/v1/once')).text();
    const read = (name: string) => metric(name);
    expect(await read('xim_input_tokens_total')).toBe(5);
    expect(await read('xim_output_tokens_total')).toBe(8);
    expect(await read('xim_time_to_first_token_seconds_count')).toBe(2);
    expect(await read('xim_time_per_output_token_seconds_count')).toBe(6); // two choices, three gaps each
    expect(await read('xim_queue_wait_seconds_count')).toBe(2);
    expect(await read('xim_batch_size_sum')).toBe(3);
    expect(await read('xim_slots')).toBe(2);
  });
});
