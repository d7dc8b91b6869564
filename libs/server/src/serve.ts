import type { AddressInfo } from 'node:net';
import { XimError } from '@xim/engine';
import { formatPlan } from '@xim/host-plan';
import { type Config, readConfig } from './config/config.ts';
import { formatHelp, formatMarkdown } from './config/help.ts';
import { createServer, type XimServer } from './create-server.ts';
import { ServiceStartError } from './errors/errors.ts';
import { formatGreeting, toBaseUrl } from './operations/greeting.ts';
import { closeOnSignals } from './operations/shutdown.ts';
import type { Service } from './service.ts';

/**
 * Runs a service as this process: configuration from the environment, `--help`, listening, signals, exit codes. Lines
 * for people go to standard output, the log to standard error. Listens before the model is loaded; a start that cannot
 * succeed ends the process with one sentence and exit code 1.
 */
export async function serve(service: Service): Promise<void> {
  const [argument] = process.argv.slice(2);
  if (argument !== undefined) return explain(service, argument);

  let server: XimServer | undefined;
  let unsaid: readonly string[] = [];
  try {
    const { config, warnings } = readConfig();
    unsaid = warnings;
    server = await createServer(service, config);
    const { app, plan, ready, close } = server;
    let closing = false;
    closeOnSignals(process, app.log, () => {
      closing = true;
      return close();
    });
    process.on('SIGHUP', server.reloadKeys);
    for (const warning of warnings) app.log.warn(warning);
    unsaid = [];
    process.stdout.write(`${formatPlan(plan)}\n`);
    await listen(server, config);
    await ready.catch((error: unknown) => {
      if (!closing) throw error;
    });
    if (!closing) process.stdout.write(greet(service, server, config));
  } catch (error) {
    await server?.close({ drainMs: 0 });
    // A slip in a name is often why a start fails.
    for (const warning of unsaid) process.stderr.write(`${warning}\n`);
    fail(error);
  }
}

function explain(service: Service, argument: string): void {
  if (argument === '--help=markdown') process.stdout.write(formatMarkdown());
  else if (argument === '--help' || argument === '-h') process.stdout.write(formatHelp(service.name));
  else fail(new ServiceStartError(`[server] "${argument}" is no argument of ${service.name}. Run it with --help.`));
}

/**
 * Connections that the kernel holds until this process takes them, at most net.core.somaxconn. With Node's 511 a crowd
 * that comes while the process waits for a CPU finds its connections reset, and nobody has told it 429.
 */
const BACKLOG = 4096;

async function listen({ app }: XimServer, { host, port }: Config): Promise<void> {
  try {
    await app.listen({ host, port, backlog: BACKLOG });
  } catch (cause) {
    throw new ServiceStartError(`[server] ${toListenAdvice((cause as NodeJS.ErrnoException).code, host, port)}`, {
      cause,
    });
  }
}

function toListenAdvice(code: string | undefined, host: string, port: number): string {
  if (code === 'EADDRINUSE')
    return `Port ${port} on ${host} is in use. Stop what listens there, or set XIM_PORT to another.`;
  if (code === 'EACCES')
    return `Port ${port} needs rights that this process does not have. Set XIM_PORT to one from 1024.`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `XIM_HOST="${host}" is not an address of this machine. Set it to 127.0.0.1, or to 0.0.0.0 for all.`;
  }
  return `Listening on ${host}:${port} failed (${code ?? 'unknown reason'}). Check XIM_HOST and XIM_PORT.`;
}

function greet(service: Service, { app }: XimServer, config: Config): string {
  const url = toBaseUrl(app.server.address() as AddressInfo);
  const key = config.apiKeys.length > 0 || config.apiKeysFile !== undefined;
  return formatGreeting({ service: service.name, task: service.task, model: app.xim.model.id, url, key });
}

/** One sentence for what we know; the stack of what is a bug. */
function fail(error: unknown): void {
  const known = XimError.isInstance(error);
  const lastWords = (error as { lastWords?: readonly string[] }).lastWords ?? [];
  const text = known ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write([...lastWords.map((line) => `  ${line}`), text, ''].join('\n'));
  process.exit(1);
}
