import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyRequest {
    /** The cost of this request so far; the access log and the metrics read it at the end of the answer. */
    stats: RequestStats;
  }
}

export interface RequestStats {
  /** Monotonic milliseconds. */
  readonly arrived: number;
  inputTokens: number;
  outputTokens: number;
  queueMs: number;
  /** From the arrival to the first slots; undefined while no call of the request has slots. */
  admittedMs: number | undefined;
  firstTokenMs: number | undefined;
  /** The code of the error that ended the request, also where the answer was a stream that had begun. */
  error: string | undefined;
  /** The status that stands for the failure of an answer that had begun and was cut off; its head said 200. */
  cutStatus: number | undefined;
}

/** Gives every request its statistics before anything else sees it. */
export const requestStats = fp(
  async (app) => {
    app.decorateRequest('stats');
    app.addHook('onRequest', (request: FastifyRequest, _reply, done) => {
      request.stats = {
        arrived: performance.now(),
        inputTokens: 0,
        outputTokens: 0,
        queueMs: 0,
        admittedMs: undefined,
        firstTokenMs: undefined,
        error: undefined,
        cutStatus: undefined,
      };
      done();
    });
  },
  { name: 'request-stats' },
);
