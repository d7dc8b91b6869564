import { CancelledError } from '@xim/engine';
import type { FastifyReply } from 'fastify';
import { Socket } from 'node:net';

/** Milliseconds of silence, up to twice that, after which a comment keeps proxies from closing the connection. */
const KEEP_ALIVE_MS = 5_000;
/** Characters that may wait for more to join them. */
const MAX_QUEUED = 1 << 15;

/** One frame: its data, one line; with an `event`, the frame has a name. A comment is one line that clients pass over. */
export type Frame = string | { readonly event: string; readonly data: string } | { readonly comment: string };

/** An answer of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export interface EventStream {
  /** Queues one frame. Frames that are queued before the event loop turns leave in one write. */
  send(frame: Frame): void;
  /** Whether the client is behind: then wait for `drained()` before sending more. */
  readonly full: boolean;
  /**
   * Resolves when the client has caught up, rejects with CancelledError when its connection closes. How long it may
   * take nothing is the server's timer: it closes the connection.
   */
  drained(): Promise<void>;
  /** Sends what is queued and ends the answer. */
  end(): void;
}

/** Takes the answer from Fastify and sends its head at once, with the headers that hooks have set. */
export function openEventStream(reply: FastifyReply, keepAliveMs = KEEP_ALIVE_MS): EventStream {
  const { raw } = reply;
  let queued = '';
  let scheduled = false;
  let silent = false;

  const flush = (): void => {
    if (queued === '' || raw.destroyed || raw.writableEnded) return;
    write(raw, queued);
    queued = '';
    silent = false;
  };
  const flushInTime = (): void => {
    scheduled = false;
    flush();
  };
  const keepAlive = setInterval(() => {
    // While older bytes wait for the client, a comment would only hide from the server's timer that it takes nothing.
    if (silent && sinkOf(raw).writableLength === 0 && !raw.destroyed) write(raw, ': \n\n');
    silent = true;
  }, keepAliveMs);
  raw.once('close', () => clearInterval(keepAlive));

  reply.hijack();
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  });
  raw.flushHeaders();

  return {
    send(frame) {
      queued += toText(frame);
      if (queued.length > MAX_QUEUED) flush();
      if (scheduled) return;
      scheduled = true;
      // Runs after all promises that are settled now: events that arrived together are sent together.
      process.nextTick(flushInTime);
    },
    get full() {
      return sinkOf(raw).writableNeedDrain;
    },
    drained: () => drain(raw),
    end() {
      clearInterval(keepAlive);
      flush();
      raw.end();
    },
  };
}

function toText(frame: Frame): string {
  if (typeof frame === 'string') return `data: ${frame}\n\n`;
  if ('comment' in frame) return `: ${frame.comment}\n\n`;
  return `event: ${frame.event}\ndata: ${frame.data}\n\n`;
}

type Answer = FastifyReply['raw'];

/**
 * Where bytes of the body go: the connection itself where the answer owns one and travels in chunks. Node would write
 * each chunk in four pieces and join them again, which costs a token as much as all else that the host does for it.
 */
function sinkOf(raw: Answer): Answer | Socket {
  return raw.chunkedEncoding && raw.socket instanceof Socket ? raw.socket : raw;
}

function write(raw: Answer, text: string): void {
  const sink = sinkOf(raw);
  // A chunk (RFC 9112, section 7.1): its length in hexadecimal, a line end, the bytes, a line end.
  sink.write(sink === raw ? text : `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}

function drain(raw: Answer): Promise<void> {
  const sink = sinkOf(raw);
  return new Promise((resolve, reject) => {
    const onDrain = (): void => {
      raw.off('close', onClose);
      resolve();
    };
    const onClose = (): void => {
      sink.off('drain', onDrain);
      reject(new CancelledError());
    };
    if (raw.destroyed) return onClose();
    if (!sink.writableNeedDrain) return onDrain();
    sink.once('drain', onDrain);
    raw.once('close', onClose);
  });
}
