import type { Host } from '@xim/engine';
import type { RunningCalls } from '../calls/calls.ts';
import type { RoutePlugin } from '../context.ts';
import type { EngineChoice } from '../engine/choose.ts';
import type { Supervision } from '../engine/supervision.ts';
import type { EnergyMeter } from './energy.ts';
import type { PressureWatch } from './pressure.ts';
import type { Service } from '../service.ts';

export interface MetadataParts {
  readonly service: Service;
  readonly host: Host;
  readonly choice: EngineChoice;
  readonly supervision: Supervision;
  readonly calls: Pick<RunningCalls, 'progress'>;
  readonly pressure: PressureWatch;
  /** Undefined where energy is not known. */
  readonly energy?: EnergyMeter | undefined;
}

/** `GET /v1/metadata`: the model, the engine, the host and the plan, with reasons. It shows no data of requests. */
export function metadata({ service, host, choice, supervision, calls, pressure, energy }: MetadataParts): RoutePlugin {
  return async (app) => {
    const { model, plan } = app.xim;
    const { id, revision, task, licence, aliases, shape } = model;
    const { vendor, cpuModel, isa, cpus, cpuQuota, memoryBytes, availableMemoryBytes } = host;
    const { nodes, hugePages, governor, container } = host;

    app.get(
      '/v1/metadata',
      { schema: { tags: ['service'], summary: 'The running model, engine and plan, with reasons' } },
      () => ({
        service: { name: service.name, version: service.version ?? null, task: service.task },
        versions: { node: process.version },
        state: supervision.status(),
        progress: calls.progress,
        model: {
          id,
          revision,
          task,
          licence,
          aliases,
          shape,
          names: app.xim.names().map((served) => served.name),
          ...(task === 'generate' && { sampling: app.xim.sampling() }),
        },
        engine: {
          name: choice.factory.name,
          reason: choice.reason,
          refusals: choice.refusals,
          profile: choice.profile,
          info: supervision.info ?? null,
        },
        plan,
        host: {
          vendor,
          cpuModel,
          isa,
          cpus: cpus.length,
          cpuQuota,
          memoryBytes,
          availableMemoryBytes,
          nodes,
          hugePages,
          governor,
          container,
        },
        pressure: pressure.report(),
        energy: energy?.report() ?? null,
      }),
    );
  };
}
