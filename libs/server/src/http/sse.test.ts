import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type EventStream, openEventStream } from './sse.ts';

const open: { app: FastifyInstance; sockets: Socket[] }[] = [];
afterEach(async () => {
  for (const { app, sockets } of open.splice(0)) {
    for (const socket of sockets) socket.destroy();
    await app.close();
  }
});

type Play = (stream: EventStream, reply: FastifyReply) => unknown;

/** A server whose one path plays `play`, and a connection that has asked for it. */
async function ask(play: Play, { keepAliveMs }: { keepAliveMs?: number } = {}) {
  const app = Fastify({ forceCloseConnections: true });
  app.addHook('onRequest', (_request, reply, done) => {
    reply.raw.setHeader('x-raw', '1');
    void reply.header('x-fastify', '2');
    done();
  });
  app.get('/', async (_request, reply) => {
    await play(openEventStream(reply, keepAliveMs), reply);
    return reply;
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  open.push({ app, sockets: [socket] });
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  return socket;
}

function outcome() {
  let settle!: (value: unknown) => void;
  const promise = new Promise((resolve) => (settle = resolve));
  return { promise, settle };
}

describe('an event stream', () => {
  it('sends its headers at once, with those that hooks have set, and no length', async () => {
    const socket = await ask(async (stream) => {
      await once(socket, 'data'); // nothing is sent before the client has the head
      stream.end();
    });
    const answer = await text(socket);
    const head = answer.slice(0, answer.indexOf('\r\n\r\n')).toLowerCase().split('\r\n');
    expect(head).toContain('http/1.1 200 ok');
    for (const line of [
      'content-type: text/event-stream; charset=utf-8',
      'cache-control: no-cache',
      'x-accel-buffering: no',
      'transfer-encoding: chunked',
      'x-raw: 1',
      'x-fastify: 2',
    ]) {
      expect(head).toContain(line);
    }
    expect(head.join()).not.toContain('content-length');
  });

  it('joins frames that come together into one write, and ends after the last', async () => {
    const writes: unknown[] = [];
    const socket = await ask(async (stream, reply) => {
      const socket = reply.raw.socket!;
      const write = socket.write.bind(socket);
      vi.spyOn(socket, 'write').mockImplementation((...args) => {
        writes.push(args[0]);
        return write(...args);
      });
      // As events come: each in a promise's own turn, one right after the other.
      for (const frame of ['1', '2', '3']) {
        await Promise.resolve();
        stream.send(frame);
      }
      await new Promise(setImmediate);
      stream.send('4');
      stream.end();
    });
    expect(await text(socket)).toMatch(/data: 4\n\n\r\n0\r\n\r\n$/);
    expect(writes.slice(0, 2)).toEqual(['1b\r\ndata: 1\n\ndata: 2\n\ndata: 3\n\n\r\n', '9\r\ndata: 4\n\n\r\n']);
  });

  it('fills silence with comments, and only silence', async () => {
    let stream!: EventStream;
    const socket = await ask((opened) => (stream = opened).send('1'), { keepAliveMs: 20 });
    let seen = '';
    socket.on('data', (bytes) => (seen += String(bytes)));
    await vi.waitFor(() => expect(seen.split(': \n\n').length).toBeGreaterThan(3), 20_000);
    stream.end();
    await once(socket, 'close');
    expect(seen.indexOf('data: 1')).toBeLessThan(seen.indexOf(': \n\n'));
  });

  it('is full while the client is behind, and goes on when it has caught up', async () => {
    const frame = 'x'.repeat(1 << 20);
    let sent = 0;
    let afterwards: boolean | undefined;
    const socket = await ask(async (stream) => {
      for (; !stream.full; sent++) {
        stream.send(frame);
        await new Promise(setImmediate);
      }
      socket.resume();
      await stream.drained();
      afterwards = stream.full;
      stream.end();
    });
    socket.pause();
    let bytes = 0;
    socket.on('data', (chunk) => (bytes += chunk.length));
    await once(socket, 'close');
    expect(afterwards).toBe(false);
    expect(bytes).toBeGreaterThan(sent * frame.length);
  });

  it('tells who waits for a client that it has gone', async () => {
    const ended = outcome();
    const socket = await ask(async (stream) => {
      const frame = 'x'.repeat(1 << 20);
      try {
        for (;;) {
          stream.send(frame);
          await new Promise(setImmediate);
          if (!stream.full) continue;
          socket.destroy();
          await stream.drained();
        }
      } catch (error) {
        ended.settle(error);
      }
    });
    socket.pause();
    await expect(ended.promise).resolves.toMatchObject({ code: 'XIM_CANCELLED' });
  });
});
