import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import fp from 'fastify-plugin';

const SAFE = /^[A-Za-z0-9._-]{1,128}$/;

/** The client's own id where it is harmless in a log and in a header, else a new one. For Fastify's `genReqId`. */
export function toRequestId(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && SAFE.test(given) ? given : `req_${randomUUID().replaceAll('-', '')}`;
}

/** Puts the request's id on every answer. On the raw response, so that it is there however a route answers. */
export const requestId = fp(
  async (app) => {
    app.addHook('onRequest', (request, reply, done) => {
      reply.raw.setHeader('x-request-id', request.id);
      done();
    });
  },
  { name: 'request-id' },
);
