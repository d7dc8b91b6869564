import type { FastifyReply } from 'fastify';
import type { RoutePlugin } from '../context.ts';
import type { SupervisionStatus } from '../engine/supervision.ts';

/** The names that orchestrators and other inference servers' clients probe. */
const READY = ['/health', '/health/ready', '/v1/health/ready', '/v2/health/ready'];
const LIVE = ['/health/live', '/v1/health/live', '/v2/health/live'];

/**
 * Readiness: an engine proved itself and takes calls. Liveness: this process is worth keeping; it falls only when the
 * supervision has given up, so that an orchestrator never restarts what is being restarted. Both are open to all.
 */
export function health(status: () => SupervisionStatus): RoutePlugin {
  return async (app) => {
    for (const [urls, good, summary] of [
      [READY, (state: string) => state === 'ready', 'Whether requests are taken'],
      [LIVE, (state: string) => state !== 'failed', 'Whether this process is worth keeping'],
    ] as const) {
      for (const [i, url] of urls.entries()) {
        app.get(
          url,
          { config: { open: true }, schema: { hide: i > 0, tags: ['service'], summary } },
          (_request, reply) => (url === '/health' ? answerTgi : answer)(reply, status(), good),
        );
      }
    }
  };
}

function answer(
  reply: FastifyReply,
  { state, reason }: SupervisionStatus,
  good: (state: string) => boolean,
): FastifyReply {
  if (good(state)) return reply.send({ status: state });
  return reply.code(503).send({ status: state, reason });
}

/** `/health` is also Text Generation Inference's, whose clients count on an empty body. */
function answerTgi(
  reply: FastifyReply,
  { state, reason }: SupervisionStatus,
  good: (state: string) => boolean,
): FastifyReply {
  if (good(state)) return reply.send();
  return reply.code(503).send({ status: state, reason, error: 'unhealthy', error_type: 'healthcheck' });
}
