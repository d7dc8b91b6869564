import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyRequest {
    /** What this request cost so far; the access log and the metrics read it when the answer ended. */
    tally: Tally;
  }
}

export interface Tally {
  /** Monotonic milliseconds. */
  readonly arrived: number;
  inputTokens: number;
  outputTokens: number;
  queueMs: number;
  firstTokenMs: number | undefined;
  /** The code of the error that ended the request, also where the answer was a stream that had begun. */
  error: string | undefined;
  /** The status that stands for the failure of an answer that had begun and was cut off; its head said 200. */
  cutStatus: number | undefined;
}

/** Gives every request its tally before anything else sees it. */
export const tally = fp(
  async (app) => {
    app.decorateRequest('tally');
    app.addHook('onRequest', (request: FastifyRequest, _reply, done) => {
      request.tally = {
        arrived: performance.now(),
        inputTokens: 0,
        outputTokens: 0,
        queueMs: 0,
        firstTokenMs: undefined,
        error: undefined,
        cutStatus: undefined,
      };
      done();
    });
  },
  { name: 'tally' },
);
