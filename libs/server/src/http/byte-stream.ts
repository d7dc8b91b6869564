import { CancelledError, XimError } from '@xim/engine';
import type { FastifyReply } from 'fastify';
import { IncompleteError } from '../errors/errors.ts';
import { readError } from '../errors/read-error.ts';

/** The events of a task whose answer is one file, such as `SpeakEvent`. */
export type ByteEvent =
  | { readonly type: 'start'; readonly mediaType: string }
  | { readonly type: 'audio'; readonly bytes: Uint8Array }
  | { readonly type: 'end' };

/**
 * Sends the bytes of a call as they come. The head goes out with the first bytes, so that every failure before them is
 * thrown and becomes a plain status. A later failure closes the connection: a file that was cut off must not look
 * whole. The next event is asked for when the client took the last, and a client that takes nothing for
 * XIM_READ_TIMEOUT_SECONDS is cut off by the server's timer, which cancels the call.
 */
export async function answerBytes(reply: FastifyReply, events: AsyncIterable<ByteEvent>): Promise<FastifyReply> {
  const { raw } = reply;
  let mediaType = 'application/octet-stream';
  let last: ByteEvent | undefined;
  let begun = false;
  const begin = (): void => {
    if (raw.destroyed) throw new CancelledError();
    if (begun) return;
    begun = true;
    reply.hijack();
    raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': mediaType,
      'x-accel-buffering': 'no',
    });
  };

  try {
    for await (const event of events) {
      last = event;
      if (event.type === 'start') mediaType = event.mediaType;
      if (event.type !== 'audio' || event.bytes.length === 0) continue;
      begin();
      if (!raw.write(event.bytes)) await drained(raw);
    }
    if (last?.type !== 'end') throw new IncompleteError();
    begin();
    raw.end();
  } catch (error) {
    if (!begun) throw error;
    cut(reply, error);
  }
  return reply;
}

/** Closes the connection of an answer that failed on the way; its status in log and metrics is that of the failure. */
function cut(reply: FastifyReply, error: unknown): void {
  const { stats } = reply.request;
  if (!CancelledError.isInstance(error)) {
    const code = XimError.isInstance(error) ? error.code : 'XIM_UNKNOWN';
    const frames = error instanceof Error ? error.stack?.split('\n').filter((line) => line.startsWith('    at ')) : [];
    stats.error = code;
    stats.cutStatus = readError(error, {}).row.status;
    reply.log.error({ code, ...(!XimError.isInstance(error) && { frames }) }, 'a stream of bytes was cut off');
  }
  reply.raw.destroy();
}

/** Resolves when the client has caught up, rejects with CancelledError when its connection closes. */
function drained(raw: FastifyReply['raw']): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      raw.off('drain', settle);
      raw.off('close', settle);
      if (raw.destroyed) reject(new CancelledError());
      else resolve();
    };
    if (raw.destroyed || !raw.writableNeedDrain) return settle();
    raw.once('drain', settle);
    raw.once('close', settle);
  });
}
