import fastifyCors from '@fastify/cors';
import fp from 'fastify-plugin';

/** Lets the configured web pages call the service from a browser; without origins it adds nothing. */
export const cors = fp<{ origins: readonly string[] }>(
  async (app, { origins }) => {
    if (origins.length === 0) return;
    await app.register(fastifyCors, {
      origin: origins.includes('*') ? '*' : [...origins],
      methods: ['GET', 'HEAD', 'POST'],
      exposedHeaders: ['x-request-id', 'retry-after'],
      maxAge: 600,
      strictPreflight: false,
    });
  },
  { name: 'cors' },
);
