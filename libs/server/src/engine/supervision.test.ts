import { EngineStartError } from '@xim/engine';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type FakeServer, type FakeServerOptions, startFakeServer } from '../__fixtures__/fake-service.ts';
import { until } from '../__fixtures__/until.ts';

let server: FakeServer;

const start = async (options: FakeServerOptions = {}): Promise<void> => {
  server = await startFakeServer(options);
};
const probe = async (path: string): Promise<[number, Record<string, unknown>]> => {
  const response = await server.app.inject(path);
  return [response.statusCode, response.json<Record<string, unknown>>()];
};
const once = () => server.app.inject({ method: 'POST', url: '/v1/once' });
const isReady = (): Promise<void> =>
  until(async () => (await server.app.inject('/health/ready')).statusCode === 200, 'the service is ready');
const passing = () => new EngineStartError('The port was taken.', { permanent: false, lastWords: ['bind: in use'] });

afterEach(async () => {
  vi.useRealTimers();
  await server.close({ drainMs: 0 });
  expect(server.factory.engines.map((engine) => engine.state)).not.toContain('ready');
});

describe('starting', () => {
  it('is not ready, but alive, until the engine has proved itself; then it takes calls', async () => {
    await start({ behaviour: { startMs: 1e6 } });
    await until(() => server.factory.engines.length > 0, 'the engine');
    expect(await probe('/health/ready')).toMatchObject([
      503,
      { status: 'loading', reason: 'The model is being loaded.' },
    ]);
    expect((await probe('/health/live'))[0]).toBe(200);
    const early = await once();
    expect(early.statusCode).toBe(503);
    expect(early.headers['retry-after']).toBe('5');
    expect(early.json()).toMatchObject({ error: { code: 'engine_not_ready', message: 'The model is being loaded.' } });
    const [, metadata] = await probe('/v1/metadata');
    expect(metadata['state']).toMatchObject({ state: 'loading', progress: { step: 'pretending', fraction: 0.5 } });
    server.factory.engine.proceed();
    await server.ready;
    expect(await probe('/health/ready')).toEqual([200, { status: 'ready' }]);
    expect((await once()).statusCode).toBe(200);
  });

  it('tries again after a failure that may pass', async () => {
    await start({ behaviour: { startErrors: [passing(), passing()] } });
    await server.ready;
    expect(server.factory.engines).toHaveLength(3);
    expect((await probe('/v1/metadata'))[1]['state']).toMatchObject({
      state: 'ready',
      restarts: 2,
      lastFailure: 'The port was taken.',
    });
  });

  it('ends with the engine’s sentence when trying again is useless', async () => {
    await start({ behaviour: { startErrors: [new EngineStartError('The file is broken.', { permanent: true })] } });
    await expect(server.ready).rejects.toThrow('The file is broken.');
    expect(server.factory.engines).toHaveLength(1);
    expect((await probe('/health/live'))[0]).toBe(503);
  });

  it('ends when too many tries failed', async () => {
    await start({ behaviour: { startErrors: Array.from({ length: 9 }, passing) }, restart: { attempts: 3 } });
    await expect(server.ready).rejects.toThrow('3 engines in a row did not last; how the last one ended: The port');
    expect(server.factory.engines).toHaveLength(3);
  });
});

describe('an engine that dies', () => {
  it('ends its calls with an error, and is replaced', async () => {
    await start({ behaviour: { tokenMs: 1e6 }, restart: { minDelayMs: 100, maxDelayMs: 100 } });
    await server.ready;
    const open = once();
    await until(() => server.factory.engine.running === 1, 'it runs');
    server.factory.engine.die('killed by SIGSEGV');
    const failed = await open;
    expect([failed.statusCode, failed.headers['retry-after']]).toEqual([503, '5']);
    expect(failed.json()).toMatchObject({ error: { code: 'engine_dead' } });
    expect(failed.body).not.toContain('SIGSEGV');
    await until(() => server.log.some((line) => line['reason'] === 'killed by SIGSEGV'), 'it is logged');
    expect(await probe('/health/ready')).toMatchObject([503, { status: 'restarting' }]);
    expect((await probe('/health/live'))[0]).toBe(200);
    expect((await once()).json()).toMatchObject({ error: { code: 'engine_not_ready' } });

    server.factory.behaviour.tokenMs = 1;
    await isReady();
    expect((await once()).statusCode).toBe(200);
    expect(server.factory.engines).toHaveLength(2);
    const metrics = (await server.app.inject('/metrics')).body;
    expect(metrics).toMatch(/^xim_engine_restarts_total{.*} 1$/m);
    expect(metrics).toMatch(/^xim_running_sequences{.*} 0$/m);
  });

  it('again and again, in a row, makes the service give up: liveness falls, calls are refused', async () => {
    await start({ restart: { attempts: 3 } });
    await server.ready;
    for (let i = 1; i <= 3; i++) {
      await isReady();
      server.factory.engine.die(`death ${i}`);
      await until(() => server.factory.engines.length > i || i === 3, 'the next one');
    }
    await until(() => server.log.some((line) => line['msg'] === 'there will be no engine'), 'it gives up');
    expect(await probe('/health/live')).toMatchObject([503, { status: 'failed' }]);
    expect(await probe('/v2/health/live')).toMatchObject([503, { status: 'failed' }]);
    expect((await once()).statusCode).toBe(503);
    expect(server.factory.engines).toHaveLength(3);
  });

  it('after it has lasted does not count', async () => {
    await start({ restart: { attempts: 2, stableMs: 20 } });
    for (let i = 1; i <= 4; i++) {
      await isReady();
      // The timer of 20 ms began before this one, so it ends before this one.
      await new Promise((resolve) => setTimeout(resolve, 30));
      server.factory.engine.die('old age');
      await until(() => server.factory.engines.length > i, 'the next one');
    }
    await isReady();
    expect((await probe('/health/live'))[0]).toBe(200);
  });
});

describe('an engine that hangs', () => {
  it('is stopped and replaced, and its calls end', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    await start({ env: { XIM_STALL_SECONDS: '5' }, behaviour: { hangs: true } });
    await server.ready;
    vi.advanceTimersByTime(20_000);
    expect(server.factory.engine.state).toBe('ready'); // idle is not hanging
    const open = once();
    await until(() => server.factory.engine.running === 1, 'the call runs');
    vi.advanceTimersByTime(20_000);
    const failed = await open;
    expect(failed.json()).toMatchObject({ error: { code: 'engine_dead' } });
    server.factory.behaviour.hangs = false;
    await isReady();
    expect((await once()).statusCode).toBe(200);
    vi.advanceTimersByTime(20_000);
    expect(server.factory.engine.state).toBe('ready'); // the end of all calls is not hanging
    expect(server.factory.engines).toHaveLength(2);
    expect((await probe('/v1/metadata'))[1]['state']).toMatchObject({
      lastFailure: expect.stringContaining('no progress for') as string,
    });
  });
});
