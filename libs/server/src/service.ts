import type { EngineFactory, Task } from '@xim/engine';
import type { RoutePlugin } from './context.ts';
import { ServiceStartError } from './errors/errors.ts';

/** One microservice: which model it serves, with which engines, under which routes. */
export interface Service {
  /** Lower case, the app's folder: shown in logs, metrics and metadata. */
  readonly name: string;
  /** The app's own version, shown in metadata. */
  readonly version?: string | undefined;
  readonly task: Task;
  /** In order of preference: the first whose `check` accepts host and model is taken. */
  readonly engines: readonly EngineFactory[];
  /** The lock file `models.json`; its role `main` is what is served. */
  readonly models: URL;
  /** A Python file with a class `Handler` for the task, run by the engine in place of its own. */
  readonly handler?: URL | undefined;
  readonly routes: readonly RoutePlugin[];
}

/** Describes a service; starts and reads nothing. Throws ServiceStartError on a definition that can never start. */
export function defineService(service: Service): Service {
  const { name, engines } = service;
  if (!/^[a-z][a-z0-9-]*$/.test(name)) {
    throw new ServiceStartError(`[server] A service's name is lower case letters, digits and dashes, not "${name}".`);
  }
  if (engines.length === 0) {
    throw new ServiceStartError(`[server] The service "${name}" lists no engine; it needs at least one.`);
  }
  const names = engines.map((engine) => engine.name);
  const twice = names.find((engine, i) => names.indexOf(engine) !== i);
  if (twice !== undefined)
    throw new ServiceStartError(`[server] The service "${name}" lists the engine "${twice}" twice.`);
  return Object.freeze({ ...service });
}
