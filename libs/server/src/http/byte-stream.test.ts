import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { EchoOptions } from '@xim/engine-echo';
import Fastify from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../__fixtures__/until.ts';
import { type MediaService, startMediaService } from './__fixtures__/media-service.ts';
import { answerBytes, type ByteEvent } from './byte-stream.ts';
import { requestStats } from './request-stats.ts';

let service: MediaService;
const start = async (echo: EchoOptions = {}, env: Record<string, string> = {}): Promise<void> => {
  service = await startMediaService('speak', { echo, env });
};
const speak = (body: object, signal?: AbortSignal): Promise<Response> =>
  fetch(`${service.url}/test/speak`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });

const running = async (): Promise<number> =>
  Number((await service.metrics('xim_running_sequences{'))[0]!.split(' ').at(-1));
const lastRequest = async (): Promise<unknown> => {
  await until(() => service.requests().some(({ route }) => route === '/test/speak'), 'the request has ended');
  return service.requests().find(({ route }) => route === '/test/speak');
};

/** 72 minutes of speech, 207 MB: more than any buffer between the engine and a client holds. */
const ENDLESS = { text: 'la '.repeat(24_000) };
const BUFFERS = 32 << 20;

/** A client that takes the first bytes of the answer and then nothing. */
async function stall(): Promise<Socket> {
  const { hostname, port } = new URL(service.url);
  const body = JSON.stringify(ENDLESS);
  const socket = connect(Number(port), hostname);
  const head = [
    'POST /test/speak HTTP/1.1',
    'Host: x',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  await once(socket, 'readable');
  return socket;
}

describe('a stream of bytes over HTTP', () => {
  afterEach(async () => {
    await service.idle();
    await service.stop();
  });

  it('has the media type of its start event and the bytes of all others', async () => {
    await start();
    const answer = await speak({ text: 'hello there, and more than one piece of it' });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'audio/pcm']);
    expect((await answer.arrayBuffer()).byteLength).toBe(2 * Math.round(42 * 0.06 * 24_000));
    expect(await lastRequest()).toMatchObject({ status: 200 });
  });

  it('that fails before its first byte is a plain status', async () => {
    await start({ faults: { failCalls: 1 } });
    const failed = await speak({ text: 'a' });
    expect([failed.status, await failed.json()]).toMatchObject([500, { error: { code: 'engine_request_failed' } }]);
    const mp3 = await speak({ text: 'a', format: 'mp3' });
    expect([mp3.status, await mp3.json()]).toMatchObject([400, { error: { code: 'unsupported_parameter' } }]);
  });

  it('whose engine dies before the first byte, after the start, is a plain status too', async () => {
    await start({ faults: { dieAfterTokens: 0 } });
    const answer = await speak({ text: 'a' });
    expect([answer.status, await answer.json()]).toMatchObject([503, { error: { code: 'engine_dead' } }]);
  });

  it('whose engine dies later is cut off, logged, and counted as the failure that it is', async () => {
    await start({ rate: 20, faults: { dieAfterTokens: 3 } });
    const answer = await speak(ENDLESS);
    expect(answer.status).toBe(200);
    await expect(answer.arrayBuffer()).rejects.toThrow();
    expect(await lastRequest()).toMatchObject({ status: 503, error: 'XIM_ENGINE_DEAD' });
    expect(service.log).toContainEqual(
      expect.objectContaining({ msg: 'a stream of bytes was cut off', code: 'XIM_ENGINE_DEAD' }),
    );
    expect(await service.metrics('xim_requests_total{')).toContainEqual(expect.stringMatching(/status="503".* 1$/));
  });

  it('whose deadline passes on the way is cut off', async () => {
    await start({ rate: 4 }, { XIM_REQUEST_TIMEOUT_SECONDS: '1' });
    const answer = await speak(ENDLESS);
    await expect(answer.arrayBuffer()).rejects.toThrow();
    expect(await lastRequest()).toMatchObject({ status: 504, error: 'XIM_DEADLINE' });
  });

  it('that its client leaves is cancelled in the engine', async () => {
    await start({ rate: 20 });
    const client = new AbortController();
    const answer = await speak(ENDLESS, client.signal);
    const reader = answer.body!.getReader();
    await reader.read();
    client.abort();
    await expect(reader.read()).rejects.toThrow();
    await service.idle();
    expect(await lastRequest()).toMatchObject({ status: 499 });
  });

  it('that nobody takes waits, and holds up no other', async () => {
    await start({}, { XIM_READ_TIMEOUT_SECONDS: '600' });
    let sent: Socket | undefined;
    service.app.server.once('connection', (socket) => (sent = socket));
    const slow = await stall();
    for (let i = 0; i < 3; i++)
      expect((await (await speak({ text: 'x'.repeat(1000) })).arrayBuffer()).byteLength).toBe(2_880_000);
    expect(await running()).toBe(1);
    expect(sent!.bytesWritten).toBeLessThan(BUFFERS);
    expect(sent!.writableLength).toBeLessThan(1 << 20);
    slow.destroy();
  });

  it('that nobody takes for the read timeout is cancelled', async () => {
    await start({}, { XIM_READ_TIMEOUT_SECONDS: '0.3' });
    const slow = await stall();
    await service.idle();
    expect(await lastRequest()).toMatchObject({ status: 499 });
    slow.destroy();
  });
});

describe('events', () => {
  const PCM = { type: 'start', mediaType: 'audio/pcm' } as const;
  const answer = async (...events: (ByteEvent | Error)[]) => {
    const app = Fastify();
    await app.register(requestStats);
    async function* play(): AsyncGenerator<ByteEvent> {
      for (const event of events) {
        if (event instanceof Error) throw event;
        yield event;
      }
    }
    app.get('/', (_request, reply) => answerBytes(reply, play()));
    return app.inject('/').finally(() => app.close());
  };
  const bytes = (...values: number[]): ByteEvent => ({ type: 'audio', bytes: Uint8Array.from(values) });

  it('without bytes are an empty answer', async () => {
    const { statusCode, headers, rawPayload } = await answer(PCM, { type: 'end' });
    expect([statusCode, headers['content-type'], rawPayload.length]).toEqual([200, 'audio/pcm', 0]);
  });

  it('without an end are a failure: plain before the first byte, a cut after it', async () => {
    expect((await answer(PCM)).json()).toMatchObject({ code: 'XIM_INCOMPLETE' });
    await expect(answer(PCM, bytes(1, 2))).rejects.toThrow();
  });

  it('that end in an unknown failure are cut', async () => {
    await expect(answer(PCM, bytes(1, 2), new Error('a bug'))).rejects.toThrow();
  });
});
