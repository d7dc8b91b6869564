import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { toTraceId } from './traceparent.ts';

/** The end of a request: its route, its status, and the seconds from its arrival. */
export interface RequestEnd {
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

export interface AccessLogOptions {
  /**
   * Called once per request, when its answer ended or its client went away. Returns the id of the trace that was
   * recorded of it, if one was.
   */
  onEnd(request: FastifyRequest, end: RequestEnd): string | undefined;
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
      const { stats } = request;
      const seconds = (performance.now() - stats.arrived) / 1000;
      // 499: the client went away before it had its answer, as nginx logs it.
      const status = stats.cutStatus ?? (isAnswered(request, reply) ? reply.raw.statusCode : 499);
      const route = request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown');
      const recorded = onEnd(request, { route, status, seconds });

      const fields = {
        method: request.method,
        route,
        status,
        durationMs: round(seconds * 1000),
        ...(stats.inputTokens > 0 && { inputTokens: stats.inputTokens, outputTokens: stats.outputTokens }),
        ...(stats.queueMs > 0 && { queueMs: round(stats.queueMs) }),
        ...(stats.firstTokenMs !== undefined && { firstTokenMs: round(stats.firstTokenMs) }),
        ...(stats.error !== undefined && { error: stats.error }),
        traceId: recorded ?? toTraceId(request.headers.traceparent),
      };
      if (request.routeOptions.config?.open) request.log.debug(fields, 'request');
      else request.log.info(fields, 'request');
    };
  },
  { name: 'access-log', dependencies: ['request-stats'] },
);

/** Whether the whole answer went out; an injected request has no connection that could tell. */
function isAnswered({ raw: { socket } }: FastifyRequest, { raw }: FastifyReply): boolean {
  return raw.writableFinished || (raw.writableEnded && !socket.destroyed);
}

const round = (milliseconds: number): number => Math.round(milliseconds * 10) / 10;
