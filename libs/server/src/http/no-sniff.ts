import fp from 'fastify-plugin';

/**
 * Tells browsers to take every answer as the type that it states (https://fetch.spec.whatwg.org/#x-content-type-options-header):
 * a text of a model never becomes a script. On the raw response, so that it is there however a route answers.
 */
export const noSniff = fp(
  async (app) => {
    app.addHook('onRequest', (_request, reply, done) => {
      reply.raw.setHeader('x-content-type-options', 'nosniff');
      done();
    });
  },
  { name: 'no-sniff' },
);
