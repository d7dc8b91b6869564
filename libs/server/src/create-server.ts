import { fileURLToPath } from 'node:url';
import type { DefaultSampling, Host, ModelEntry, Plan, Profile } from '@xim/engine';
import { planFor, type PlanRequest, readHost } from '@xim/host-plan';
import { readModels } from '@xim/model-cache';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import { createAdmission } from './calls/admission.ts';
import { createCalls } from './calls/calls.ts';
import { createMetrics, metricsRoute } from './calls/metrics.ts';
import type { Config } from './config/config.ts';
import type { ServiceContext } from './context.ts';
import type { RestartOptions } from './engine/back-off.ts';
import { checkInputs } from './engine/check-inputs.ts';
import { chooseEngine, toExactProfile } from './engine/choose.ts';
import { chooseCompanions, fetchCompanions } from './engine/companions.ts';
import { createHub, fetchModel, readDefaultSampling, resolveModel, toPython } from './engine/fetch-model.ts';
import { logPictureTime } from './engine/picture-time.ts';
import { createSupervision } from './engine/supervision.ts';
import { answerClientError, answerFrameworkError, errorAnswers } from './errors/error-answers.ts';
import { ServiceStartError } from './errors/errors.ts';
import { accessLog } from './http/access-log.ts';
import { auth, createApiKeys, isLoopback } from './http/auth.ts';
import { contentEncoding } from './http/content-encoding.ts';
import { cors } from './http/cors.ts';
import { jsonBody } from './http/json-body.ts';
import { noSniff } from './http/no-sniff.ts';
import { requestId, toRequestId } from './http/request-id.ts';
import { requestStats } from './http/request-stats.ts';
import { docs } from './operations/docs.ts';
import { createEnergyMeter, energyTimer } from './operations/energy.ts';
import { health } from './operations/health.ts';
import { metadata } from './operations/metadata.ts';
import { createTextLog } from './operations/log-format.ts';
import { modelsRoutes } from './operations/models.ts';
import { createPressureWatch, pressureTimer } from './operations/pressure.ts';
import { createServedNames } from './operations/served-names.ts';
import { reloadKeys } from './operations/reload.ts';
import { createClose } from './operations/shutdown.ts';
import { page } from './page/page.ts';
import type { Service } from './service.ts';

export interface XimServer {
  /** Built, not listening. */
  readonly app: FastifyInstance;
  readonly plan: Plan;
  /** Resolves when the first engine is ready; rejects when there will never be one. */
  readonly ready: Promise<void>;
  /** Drains for at most so long (default XIM_DRAIN_SECONDS), then ends everything. Safe to call again. */
  close(options?: { drainMs?: number }): Promise<void>;
  /** Reads XIM_API_KEYS_FILE again, without a restart; a file that is wrong is logged, and the keys stay as they are. */
  reloadKeys(): void;
}

/** Replacements that a test may give. */
export interface TestOverrides {
  readonly host?: Host;
  readonly log?: { write(line: string): void };
  readonly restart?: Partial<RestartOptions>;
}

/**
 * Builds the server of a service and starts its engine in the background; does not listen. Throws ServiceStartError
 * where the service cannot start as configured or on this host; then nothing was started.
 */
export async function createServer(
  service: Service,
  config: Config,
  overrides: TestOverrides = {},
): Promise<XimServer> {
  const keys = createApiKeys(config);
  const { models } = readModels(service.models);
  const shipped = models.main;
  if (!shipped || shipped.task !== service.task) {
    const found = shipped ? `is for the task ${shipped.task}` : 'has no role "main"';
    throw new ServiceStartError(`[server] ${service.models.pathname} ${found}; expected a model for ${service.task}.`);
  }
  const hub = createHub(config);
  const model = await resolveModel(shipped, service.engines, config, hub);
  const host = overrides.host ?? readHost();
  const handler = service.handler && fileURLToPath(service.handler);
  const choice = chooseEngine(service.engines, host, model, config.engine, handler);
  const { factory, reason } = choice;
  const profile = config.exact ? toExactProfile(choice, service.task, handler) : choice.profile;
  const plan = planFor({ host, model, memory: factory.memory(model, profile), requested: toRequested(config) });
  const python = toPython(config, service.name, factory.name);
  const companions = chooseCompanions(models, factory.name, host);

  const app = createApp(service, config, overrides);
  const { log } = app;
  // The worker gives the texts and choices of all calls their turn, so that thousands need not hold every slot to their end.
  const takesTurns = ['embed', 'rerank'].includes(service.task) || (service.task === 'generate' && plan.slots >= 16);
  const share = takesTurns ? Math.max(1, Math.floor(plan.slots / 8)) : undefined;
  const reserved = takesTurns && keys.count > 1 ? Math.floor(plan.slots / 16) : undefined;
  const admission = createAdmission({ ...plan, share, reserved });
  const labels = { service: service.name, task: service.task, engine: factory.name, model: model.id };
  const metrics = createMetrics(labels, admission);
  const traces = config.otlpEndpoint
    ? // Loaded only where it is asked for.
      (await import('./operations/traces.ts')).createTraces(
        config.otlpEndpoint,
        { ...labels, version: service.version },
        log,
      )
    : undefined;
  if (traces) app.addHook('onClose', () => traces.close());
  const pressure = createPressureWatch(metrics.registry, log);
  const energy = createEnergyMeter({ task: service.task, config, metrics });
  let sampling: DefaultSampling = model.sampling ?? {};
  const supervision = createSupervision({
    fetch: async (options) => {
      const fetch = (one: ModelEntry, by: Profile) =>
        fetchModel({ model: one, profile: by, config, python, hub, log, ...options });
      const modelPath = await fetch(model, profile);
      sampling = await readDefaultSampling(model, profile, modelPath, log);
      return { modelPath, companions: await fetchCompanions(companions, fetch) };
    },
    create: (files) => factory.create({ profile, plan, model, ...files, python, handler, log }),
    stallMs: plan.stallMs,
    pendingReads: () => calls.pendingReads,
    progressMs: isTextLog(config, overrides) && process.stderr.isTTY === true ? 100 : undefined,
    onReady(info) {
      metrics.engineReady(info, reason);
      if (info.imageDefaults) logPictureTime(log, info.imageDefaults, config.requestTimeoutSeconds);
    },
    onRestart: metrics.engineRestarted,
    log,
    restart: overrides.restart,
  });
  const calls = createCalls({
    admission,
    metrics,
    requestTimeoutMs: config.requestTimeoutSeconds * 1000,
    assertAccepting: supervision.assertAccepting,
    engine: () => checkInputs(supervision.engine(), supervision.info),
  });
  const info = () => supervision.info;
  const names = createServedNames(model, config.modelAliases, config.modelStrict);
  const context: ServiceContext = {
    name: service.name,
    version: service.version,
    config,
    model,
    plan,
    info,
    ...names,
    sampling: () => sampling,
    calls,
  };
  app.decorate('xim', context);

  // In the order in which a request passes them.
  await app.register(requestStats);
  await app.register(requestId);
  await app.register(noSniff);
  await app.register(accessLog, {
    onEnd(request, end) {
      metrics.request(end.route, end.status, end.seconds);
      return request.routeOptions.config?.open ? undefined : traces?.record(request, end);
    },
  });
  await app.register(errorAnswers, { isDraining: () => supervision.status().state === 'draining' });
  await app.register(cors, { origins: config.corsOrigins });
  await app.register(auth, { keys });
  await app.register(contentEncoding);
  await app.register(jsonBody);
  await app.register(docs);
  await app.register(health(supervision.status));
  await app.register(pressureTimer, { watch: pressure });
  if (energy) await app.register(energyTimer, { meter: energy });
  await app.register(metadata({ service, host, choice, supervision, calls, pressure, energy }));
  await app.register(metricsRoute(metrics));
  await app.register(modelsRoutes);
  for (const routes of service.routes) await app.register(routes);
  if (config.page === 'on')
    await app.register(page({ service: service.name, task: service.task, needsKey: keys.count > 0 }));
  await app.ready();

  log.info({ engine: factory.name, reason, refusals: choice.refusals, profile }, 'the engine is chosen');
  if (keys.count === 0 && !isLoopback(config.host)) warnOpen(app, config);
  supervision.start();
  const close = createClose({ app, calls, supervision, config });
  return { app, plan, ready: supervision.ready, close, reloadKeys: () => reloadKeys(keys, config, log) };
}

/** Lines for people where they are asked for, or where people look on. */
function isTextLog({ logFormat }: Config, { log }: TestOverrides): boolean {
  return logFormat === 'text' || (logFormat === 'auto' && log === undefined && process.stderr.isTTY === true);
}

function createApp(service: Service, config: Config, overrides: TestOverrides): FastifyInstance {
  const target = overrides.log ?? process.stderr;
  const log = isTextLog(config, overrides) ? createTextLog(target) : target;
  const app: FastifyInstance = Fastify({
    logger: {
      level: config.logLevel,
      stream: log,
      base: { service: service.name },
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
    },
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: toRequestId,
    routerOptions: { ignoreTrailingSlash: true },
    bodyLimit: config.bodyLimitBytes,
    requestTimeout: 300_000,
    return503OnClosing: false, // while it closes, the routes themselves refuse, in the API's shape
    frameworkErrors: answerFrameworkError,
    clientErrorHandler: answerClientError,
  });
  // A client that takes nothing of what waits for it. Silence with nothing to send is a model that thinks.
  app.server.setTimeout(config.readTimeoutSeconds * 1000, (socket) => {
    if (socket.writableLength > 0) socket.destroy();
  });
  return app;
}

function toRequested({ threads, slots, queue, kvCacheBytes, stallSeconds }: Config): PlanRequest {
  const stallMs = stallSeconds === undefined ? undefined : Math.ceil(stallSeconds * 1000);
  return { threads, slots, queue, kvCacheBytes, stallMs };
}

function warnOpen(app: FastifyInstance, { host }: Config): void {
  const advice = 'Set XIM_API_KEYS or XIM_API_KEYS_FILE, or XIM_HOST=127.0.0.1.';
  app.log.warn({ host }, `ANYBODY WHO REACHES THIS MACHINE CAN USE THIS SERVICE: it has no API keys. ${advice}`);
}
