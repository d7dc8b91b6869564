import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { toTraceId } from './traceparent.ts';

export interface AccessLogOptions {
  /** Called once per request, when its answer ended or its client went away. */
  onEnd(route: string, status: number, seconds: number): void;
}

/**
 * One log line per request, of facts about it: nothing of what the client sent but its id. Listens to the raw
 * response's `close`, the one event that comes for every kind of answer and also when the client goes away.
 */
export const accessLog = fp<AccessLogOptions>(
  async (app, { onEnd }) => {
    app.addHook('onRequest', (request, reply, done) => {
      reply.raw.once('close', () => end(request, reply));
      done();
    });

    const end = (request: FastifyRequest, reply: FastifyReply): void => {
      const { tally } = request;
      const seconds = (performance.now() - tally.arrived) / 1000;
      // 499: the client went away before it had its answer, as nginx logs it.
      const status = tally.cutStatus ?? (isAnswered(request, reply) ? reply.raw.statusCode : 499);
      const route = request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown');
      onEnd(route, status, seconds);

      const fields = {
        method: request.method,
        route,
        status,
        durationMs: round(seconds * 1000),
        ...(tally.inputTokens > 0 && { inputTokens: tally.inputTokens, outputTokens: tally.outputTokens }),
        ...(tally.queueMs > 0 && { queueMs: round(tally.queueMs) }),
        ...(tally.firstTokenMs !== undefined && { firstTokenMs: round(tally.firstTokenMs) }),
        ...(tally.error !== undefined && { error: tally.error }),
        traceId: toTraceId(request.headers.traceparent),
      };
      if (request.routeOptions.config?.open) request.log.debug(fields, 'request');
      else request.log.info(fields, 'request');
    };
  },
  { name: 'access-log', dependencies: ['tally'] },
);

/** Whether the whole answer went out; an injected request has no connection that could tell. */
function isAnswered({ raw: { socket } }: FastifyRequest, { raw }: FastifyReply): boolean {
  return raw.writableFinished || (raw.writableEnded && !socket.destroyed);
}

const round = (milliseconds: number): number => Math.round(milliseconds * 10) / 10;
