import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type FakeServer, startFakeServer } from '../__fixtures__/fake-service.ts';
import { until } from '../__fixtures__/until.ts';
import { closeOnSignals, type SignalSource } from './shutdown.ts';

let server: FakeServer;
afterEach(() => server?.close({ drainMs: 0 }));

const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };

describe('closing a server', () => {
  it('refuses new work, lets running and queued work finish, and ends the engine', async () => {
    server = await startFakeServer({ behaviour: { tokenMs: 1e6 }, env: { XIM_DRAIN_SECONDS: '60' } });
    const url = await server.listen();
    await server.ready;
    const post = (path: string, body: object) =>
      fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const running = await post('/v1/stream', { tokens: 100, choices: 2 });
    const queued = post('/v1/stream', { tokens: 2 });
    const metrics = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();
    await until(async () => /^xim_queue_sequences{.*} 1$/m.test(await metrics()), 'the second call waits');

    const closed = server.close();
    const late = await post('/v1/stream', {});
    expect([late.status, late.headers.get('retry-after'), late.headers.get('connection')]).toEqual([503, '5', 'close']);
    expect(await late.json()).toMatchObject({ error: { message: 'The service is shutting down.' } });
    expect(await (await fetch(`${url}/health/ready`)).json()).toMatchObject({ status: 'draining' });
    expect((await fetch(`${url}/health/live`)).status).toBe(200);

    server.factory.behaviour.tokenMs = 0;
    server.factory.engine.proceed();
    expect((await running.text()).match(/text-delta/g)).toHaveLength(200);
    expect((await (await queued).text()).match(/text-delta/g)).toHaveLength(2);
    await closed;
    expect(server.factory.engine.state).toBe('dead');
    expect(server.factory.engine.ends).toEqual(['end', 'end']);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('answers in the same shape to the very end', async () => {
    server = await startFakeServer({
      routes: [
        async (app) => {
          app.addHook('preClose', async () => {
            const late = await fetch(`${url}/v1/metadata`);
            answer = { status: late.status, close: late.headers.get('connection'), body: await late.json() };
          });
        },
      ],
    });
    let answer: unknown;
    const url = await server.listen();
    await server.ready;
    await fetch(`${url}/health`);
    await server.close();
    expect(answer).toMatchObject({ status: 200, close: 'close', body: { state: { state: 'draining' } } });
  });

  it('ends what is left when the time is over', async () => {
    server = await startFakeServer({ behaviour: { tokenMs: 10 } });
    const url = await server.listen();
    await server.ready;
    const running = await fetch(`${url}/v1/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"tokens":1000000}',
    });
    await server.close({ drainMs: 50 });
    expect((await running.text()).trim().split('\n').at(-1)).toBe('{"failed":"XIM_ENGINE_NOT_READY"}');
    expect(server.factory.engine.ends).toEqual(['cancelled']);
  });

  it('ends a start that is still going on', async () => {
    server = await startFakeServer({ behaviour: { startMs: 1e6 } });
    await until(() => server.factory.engines.length === 1, 'it starts');
    await server.close();
    await expect(server.ready).rejects.toThrow();
    expect(server.factory.engine.state).toBe('dead');
  });

  it('does not replace an engine that dies meanwhile', async () => {
    server = await startFakeServer({ behaviour: { tokenMs: 1e6 } });
    await server.ready;
    const open = server.app.inject({ method: 'POST', url: '/v1/once' });
    await until(() => server.factory.engine.running === 1, 'it runs');
    const closed = server.close({ drainMs: 60_000 });
    server.factory.engine.die('it was its time');
    expect((await open).statusCode).toBe(503);
    await closed;
    expect(server.factory.engines).toHaveLength(1);
    expect(JSON.stringify(server.log)).not.toContain('a new engine');
  });
});

describe('signals', () => {
  const fake = () => {
    const source = new EventEmitter();
    const exit = vi.fn();
    return { source, exit, process: Object.assign(source, { exit }) as SignalSource };
  };

  it('close once and exit with 0', async () => {
    const { source, exit, process } = fake();
    const close = vi.fn(async () => undefined);
    closeOnSignals(process, log, close);
    source.emit('SIGTERM');
    source.emit('SIGINT');
    await until(() => exit.mock.calls.length > 0, 'exit');
    expect(close).toHaveBeenCalledOnce();
    expect(exit.mock.calls).toEqual([[0]]);
  });

  it('end at once when repeated later than a stutter', () => {
    const { source, exit, process } = fake();
    const now = vi.spyOn(performance, 'now').mockReturnValue(1000);
    closeOnSignals(process, log, () => new Promise(() => undefined));
    source.emit('SIGINT');
    now.mockReturnValue(1900);
    source.emit('SIGINT');
    expect(exit).not.toHaveBeenCalled();
    now.mockReturnValue(2100);
    source.emit('SIGINT');
    expect(exit.mock.calls).toEqual([[1]]);
    now.mockRestore();
  });

  it('end with 1, and a line in the log, after what no code expected', () => {
    const { source, exit, process } = fake();
    closeOnSignals(process, log, async () => undefined);
    source.emit('unhandledRejection', new Error('oh'));
    expect(exit.mock.calls).toEqual([[1]]);
    expect(log.error).toHaveBeenCalledWith(expect.objectContaining({ message: 'oh' }), expect.any(String));
  });
});
