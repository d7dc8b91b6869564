import { readConfig } from '../config/config.ts';
import { createServer, type XimServer } from '../create-server.ts';
import type { Service } from '../service.ts';

export interface OpenService {
  readonly server: XimServer;
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
}

/**
 * A service in this process, on a free port of this machine, ready for requests: for tests of a service. `settings` are
 * its environment variables besides the folders XIM_VENVS and XIM_MODEL_CACHE of this process. The caller closes it.
 * Rejects as `createServer` and `XimServer.ready` do; then nothing is left open.
 */
export async function openService(
  service: Service,
  settings: Readonly<Record<string, string | undefined>> = {},
): Promise<OpenService> {
  const { XIM_VENVS, XIM_MODEL_CACHE } = process.env;
  const env = { XIM_VENVS, XIM_MODEL_CACHE, XIM_LOG_LEVEL: 'silent', ...settings };
  const server = await createServer(service, readConfig(env).config);
  try {
    const origin = await server.app.listen({ host: '127.0.0.1', port: 0 });
    await server.ready;
    return { server, origin };
  } catch (error) {
    await server.close({ drainMs: 0 });
    throw error;
  }
}
