import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { EngineFactory, ModelEntry, Task } from '@xim/engine';
import { echo, echoModel, type EchoOptions } from '@xim/engine-echo';
import { until } from '../../__fixtures__/until.ts';
import { venvs } from '../../__fixtures__/venvs.ts';
import { readConfig } from '../../config/config.ts';
import type { RoutePlugin } from '../../context.ts';
import { createServer, type XimServer } from '../../create-server.ts';
import { defineService } from '../../service.ts';
import { mediaRoutes, speakRoutes } from './media-routes.ts';

export interface MediaService extends XimServer {
  readonly url: string;
  /** The files in XIM_TMP. */
  left(): string[];
  /** The access log's line of each request that ended. */
  requests(): Readonly<Record<string, unknown>>[];
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** Lines of /metrics that begin with `name`. */
  metrics(name: string): Promise<string[]>;
  post(path: string, body: string | FormData, headers?: Record<string, string>): Promise<Response>;
  /** The statuses of the test routes' requests that ended, in order. */
  statuses(): unknown[];
  /** Resolves when no slot is taken, nothing waits and no file is left; rejects where that does not come. */
  idle(): Promise<void>;
  /** Closes the service; fails where something is left in XIM_TMP. */
  stop(): Promise<void>;
}

export interface MediaOptions {
  readonly echo?: EchoOptions;
  /** Instead of echo. */
  readonly engine?: EngineFactory;
  readonly env?: Readonly<Record<string, string>>;
  /** A folder for uploads that is there already. */
  readonly tmp?: string;
  /** Instead of the test routes. */
  readonly routes?: readonly RoutePlugin[];
  /** Further members of the model's entry. */
  readonly model?: Partial<ModelEntry>;
}

/** A real server on echo's worker, with the routes of `media-routes.ts` and a folder for uploads of its own. */
export async function startMediaService(task: Task, options: MediaOptions = {}): Promise<MediaService> {
  const folder = mkdtempSync(join(tmpdir(), 'xim-media-'));
  const tmp = options.tmp ?? join(folder, 'tmp');
  if (options.tmp === undefined) mkdirSync(tmp);
  const file = join(folder, 'models.json');
  writeFileSync(
    file,
    JSON.stringify({ lockVersion: 1, models: { main: { ...echoModel(task, options.echo), ...options.model } } }),
  );
  const models = pathToFileURL(file);
  const routes = options.routes ?? [mediaRoutes, speakRoutes];
  const service = defineService({ name: 'media', task, engines: [options.engine ?? echo], models, routes });
  const { config } = readConfig({ XIM_SLOTS: '2', XIM_QUEUE: '0', XIM_TMP: tmp, XIM_VENVS: venvs, ...options.env });
  const log: Record<string, unknown>[] = [];
  const server = await createServer(service, config, {
    log: { write: (line) => void log.push(JSON.parse(line) as Record<string, unknown>) },
    restart: { minDelayMs: 1, maxDelayMs: 5 },
  }).catch((error: unknown) => {
    rmSync(folder, { recursive: true });
    throw error;
  });
  const url = await server.app.listen({ host: '127.0.0.1', port: 0 });
  await server.ready;
  const requests = (): Readonly<Record<string, unknown>>[] => log.filter((line) => line['msg'] === 'request');
  const metrics = async (name: string): Promise<string[]> => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return text.split('\n').filter((line) => line.startsWith(name));
  };
  const open = async (): Promise<number> => {
    const lines = [...(await metrics('xim_running_sequences{')), ...(await metrics('xim_queue_sequences{'))];
    return lines.reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
  };
  const left = (): string[] => readdirSync(tmp);
  return {
    ...server,
    url,
    left,
    log,
    requests,
    metrics,
    post: (path, body, headers = {}) => fetch(`${url}${path}`, { method: 'POST', body, headers }),
    statuses: () => requests().flatMap(({ route, status }) => (String(route).startsWith('/test/') ? [status] : [])),
    async idle() {
      for (let i = 0; i < 1000 && (await open()) > 0; i++) await new Promise((resolve) => setTimeout(resolve, 10));
      if ((await open()) > 0) throw new Error('A slot is taken or a request waits.');
      await until(() => left().length === 0, 'nothing is left in XIM_TMP');
    },
    async stop() {
      await server.close({ drainMs: 0 });
      await until(() => left().length === 0, 'nothing is left in XIM_TMP');
      rmSync(folder, { recursive: true });
    },
  };
}
