import { XimError } from '@xim/engine';
import type { FastifyReply } from 'fastify';
import { IncompleteError } from '../errors/errors.ts';
import { type EventStream, type Frame, openEventStream } from './sse.ts';

/** How an API writes a streamed answer. */
export interface StreamWriter<E> {
  /** An event → its frames; none for an event that clients are not told of. */
  toFrames(event: E): readonly Frame[];
  /** A failure → the stream's last frame. */
  toErrorFrame(error: unknown): Frame;
  /** The data of the frame after the last event, where the API has one. */
  readonly done?: string;
}

/**
 * Sends a call's events as they come. A failure before the first event is thrown, so that it becomes a plain status;
 * later failures are the stream's last frame. A call that ends without its `end` event has failed.
 */
export async function streamAnswer<E extends { readonly type: string }>(
  reply: FastifyReply,
  events: AsyncIterable<E>,
  writer: StreamWriter<E>,
): Promise<FastifyReply> {
  let stream: EventStream | undefined;
  let last: E | undefined;
  try {
    for await (const event of events) {
      stream ??= openEventStream(reply);
      for (const frame of writer.toFrames(event)) stream.send(frame);
      if (stream.full) await stream.drained();
      last = event;
    }
    if (last?.type !== 'end') throw new IncompleteError();
    if (writer.done !== undefined) stream?.send(writer.done);
  } catch (error) {
    if (!stream) throw error;
    if (!XimError.isInstance(error)) reply.log.error({ frames: framesOf(error) }, 'a stream failed');
    stream.send(writer.toErrorFrame(error));
  }
  stream?.end();
  return reply;
}

/** Where a bug is; its words may quote the client. */
function framesOf(error: unknown): string[] | undefined {
  return error instanceof Error ? error.stack?.split('\n').filter((line) => line.startsWith('    at ')) : undefined;
}
