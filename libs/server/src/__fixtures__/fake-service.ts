import type { Host } from '@xim/engine';
import { readConfig } from '../config/config.ts';
import type { RoutePlugin } from '../context.ts';
import { createServer, type TestOverrides, type XimServer } from '../create-server.ts';
import { defineService, type Service } from '../service.ts';
import { createFakeFactory, type FakeBehaviour, type FakeFactory } from './fake-engine.ts';

/** A small Xeon, so that tests do not depend on where they run. */
export const host: Host = {
  vendor: 'GenuineIntel',
  cpuModel: 'A Xeon that was made up',
  isa: ['avx2', 'avx512f'],
  cpus: [0, 1, 2, 3].map((id) => ({ id, core: id, socket: 0, node: 0 })),
  memoryBytes: 16 * 2 ** 30,
  availableMemoryBytes: 12 * 2 ** 30,
};

/** The least that a route can be: `POST /v1/stream` writes a line per event, `POST /v1/once` answers one. */
export const bareRoutes: RoutePlugin = async (app) => {
  const { xim } = app;
  type Body = { tokens?: number; choices?: number } | undefined;

  app.post<{ Body: Body }>('/v1/stream', async (request, reply) => {
    const { tokens = 3, choices = 1 } = request.body ?? {};
    const input = { prompt: { text: 'x' }, maxTokens: tokens, choices };
    const events = xim.calls.stream(request, choices, (engine, options) => engine.generate!(input, options));
    let begun = false;
    try {
      for await (const event of events) {
        if (!begun) {
          reply.hijack();
          reply.raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>) });
          begun = true;
        }
        reply.raw.write(`${JSON.stringify(event)}\n`);
      }
    } catch (error) {
      if (!begun) throw error;
      reply.raw.write(`${JSON.stringify({ failed: (error as { code: string }).code })}\n`);
    }
    reply.raw.end();
    return reply;
  });

  app.post<{ Body: Body }>('/v1/once', (request) => {
    const choices = request.body?.choices ?? 1;
    return xim.calls.once(request, choices, (engine, options) => engine.tokenize!({ prompt: { text: 'x' } }, options));
  });

  app.post('/v1/body', (request) => ({ body: request.body }));
};

export function fakeService(factory: FakeFactory, routes: readonly RoutePlugin[] = [bareRoutes]): Service {
  const models = new URL('./fake-models.json', import.meta.url);
  return defineService({ name: 'fake', version: '1.2.3', task: 'generate', engines: [factory], models, routes });
}

export interface FakeServer extends XimServer {
  readonly factory: FakeFactory;
  /** The parsed lines of the log. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** Listens, on a port of the system's choice, and resolves with the origin. */
  listen(): Promise<string>;
}

export interface FakeServerOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly behaviour?: Partial<FakeBehaviour>;
  readonly routes?: readonly RoutePlugin[];
  readonly restart?: TestOverrides['restart'];
}

/** A real server on a fake engine. Two slots and a queue of two where the test does not say. */
export async function startFakeServer(options: FakeServerOptions = {}): Promise<FakeServer> {
  const factory = createFakeFactory(options.behaviour);
  const { config } = readConfig({ XIM_SLOTS: '2', XIM_QUEUE: '2', XIM_DRAIN_SECONDS: '0', ...options.env });
  const log: Record<string, unknown>[] = [];
  const server = await createServer(fakeService(factory, options.routes), config, {
    host,
    log: { write: (line) => void log.push(JSON.parse(line) as Record<string, unknown>) },
    restart: { minDelayMs: 1, maxDelayMs: 5, ...options.restart },
  });
  return { ...server, factory, log, listen: () => server.app.listen({ host: '127.0.0.1', port: 0 }) };
}
