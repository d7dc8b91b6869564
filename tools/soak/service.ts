import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = new URL('../..', import.meta.url).pathname;
/** Bytes of the file system of XIM_TMP: fills up within the run, and holds the uploads of all slots before. */
const DISK = 256 * 2 ** 20;
/** Longer than any service of apps/ takes to load its default model. */
const LOADING_MS = 600_000;

export interface SoakedService {
  readonly port: number;
  readonly task: string;
  /** The id of its model. */
  readonly model: string;
  readonly slots: number;
  readonly exited: Promise<number | null>;
  /** Whether XIM_TMP is a small file system of its own, which may be filled. */
  readonly hasOwnDisk: boolean;
  isReady(): Promise<boolean>;
  /** Calls that had a slot so far. */
  admitted(): Promise<number>;
  /** Ends a process of the worker, as the kernel would for want of memory. Nothing where none runs. */
  killWorker(): void;
  fillDisk(): void;
  emptyDisk(): void;
  terminate(): void;
  /** Bytes that the host holds in memory, its open files, and files in XIM_TMP. */
  usage(): { readonly bytes: number; readonly files: number; readonly temporary: number };
  /** The last lines of its log. */
  log(): string;
  /** Ends all that is left, and removes the folder. */
  dispose(): Promise<void>;
}

/**
 * Starts a service on a free port, with XIM_TMP on a small file system in a mount namespace of its own where the kernel
 * lets a user make one, else in a folder.
 */
export async function startSoaked(main: string, env: Readonly<Record<string, string>>): Promise<SoakedService> {
  const folder = mkdtempSync(join(tmpdir(), 'xim-soak-'));
  const port = await freePort();
  const hasOwnDisk = spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'true']).status === 0;
  const node = [process.execPath, '--conditions=@xim/source', '--import', 'tsx', main];
  const mount = `mount -t tmpfs -o size=${DISK} none "$0" && exec "$@"`;
  const command = hasOwnDisk
    ? ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', mount, folder, ...node]
    : node;
  const child: ChildProcess = spawn(command[0]!, command.slice(1), {
    cwd: ROOT,
    env: {
      ...process.env,
      ...env,
      ...{
        XIM_PORT: String(port),
        XIM_HOST: '127.0.0.1',
        XIM_TMP: folder,
        XIM_LOG_LEVEL: 'warn',
        XIM_LOG_FORMAT: 'json',
      },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pid = child.pid!;
  let output = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-8000)));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  // A connection that stays open would count among the files of the service.
  const isReady = (): Promise<boolean> =>
    new Promise((resolve) => {
      const probe = get({ host: '127.0.0.1', port, path: '/health/ready', agent: false }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode === 200));
      });
      probe.on('error', () => resolve(false));
    });
  const dispose = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  // The folder as the service sees it, in its own namespace.
  const inside = (...names: string[]): string => join(`/proc/${pid}/root`, folder, ...names);
  try {
    for (const until = performance.now() + LOADING_MS; !(await isReady());) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`${main} ended before it was ready:\n${output}`);
      if (performance.now() > until) throw new Error(`${main} was not ready after ${LOADING_MS} ms:\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const metadata = (await (await fetch(`http://127.0.0.1:${port}/v1/metadata`)).json()) as {
      service: { task: string };
      model: { id: string };
      plan: { slots: number };
    };
    return {
      ...{
        port,
        exited,
        hasOwnDisk,
        isReady,
        dispose,
        task: metadata.service.task,
        model: metadata.model.id,
        slots: metadata.plan.slots,
      },
      async admitted() {
        const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
        return Number(/^xim_queue_wait_seconds_count\S* (\d+)/m.exec(metrics)?.[1] ?? 0);
      },
      killWorker() {
        const [worker] = childrenOf(pid);
        if (worker !== undefined) process.kill(worker, 'SIGKILL');
      },
      fillDisk: () => {
        try {
          writeFileSync(inside('filler'), Buffer.alloc(DISK));
        } catch (error) {
          // Full is the aim.
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        }
      },
      emptyDisk: () => unlinkSync(inside('filler')),
      terminate: () => void child.kill('SIGTERM'),
      usage: () => ({
        bytes: residentBytes(pid),
        files: readdirSync(`/proc/${pid}/fd`).length,
        temporary: readdirSync(inside()).filter((name) => name !== 'filler').length,
      }),
      log: () => output,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
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
