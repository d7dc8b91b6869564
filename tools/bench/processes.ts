import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

export const ROOT = new URL('../..', import.meta.url).pathname;

/** CPU clock ticks per second (sysconf(_SC_CLK_TCK)); 100 on every Linux that XIM runs on. */
const TICKS = 100;

export interface Service {
  readonly port: number;
  /** CPU seconds that the host and its worker have used so far. */
  cpu(): { host: number; worker: number };
  stop(): Promise<void>;
}

/** Starts a service as a user would, but on a free port and silent, and waits until it is ready. */
export async function startService(main: string, env: Record<string, string>): Promise<Service> {
  const port = await freePort();
  const child = spawn(process.execPath, ['--conditions=@xim/source', '--import', 'tsx', main], {
    cwd: ROOT,
    env: { ...process.env, ...env, XIM_PORT: String(port), XIM_HOST: '127.0.0.1', XIM_LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => (output = (output + chunk).slice(-4000)));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${port}/health/ready`;
  while (
    !(await fetch(url).then(
      (answer) => answer.ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) throw new Error(`${main} ended before it was ready:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    port,
    cpu: () => ({
      host: cpuSeconds(child.pid!),
      worker: childrenOf(child.pid!).reduce((sum, pid) => sum + cpuSeconds(pid), 0),
    }),
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

export interface Bare {
  /** Sends one line of JSON, gets one back. */
  ask<T>(question: object): Promise<T>;
  stop(): Promise<void>;
}

/** Starts one of the bare Python loops; it prints one line of JSON per line it is sent. */
export function startBare(
  python: string,
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Bare {
  const child: ChildProcess = spawn(python, ['-u', script, ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    async ask<T>(question: object) {
      child.stdin!.write(`${JSON.stringify(question)}\n`);
      const line = await lines.next();
      if (line.done) throw new Error(`${script} ended without an answer`);
      return JSON.parse(line.value) as T;
    },
    async stop() {
      child.stdin!.end();
      await exited;
    },
  };
}

/** User and system time of a process, fields 14 and 15 of /proc/<pid>/stat (proc(5)). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  );
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
