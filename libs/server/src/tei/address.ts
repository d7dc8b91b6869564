import type { FastifyInstance } from 'fastify';

/** Whether `POST /` is free. A service that has the routes of several tasks keeps the first one. */
export const takesAddress = (app: FastifyInstance): boolean => !app.hasRoute({ method: 'POST', url: '/' });
