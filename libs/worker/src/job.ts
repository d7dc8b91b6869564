import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineExit, Log } from '@xim/engine';
import { createFrameReader, encodeFrame, type Frame } from './frames.ts';
import { followLog } from './log-tail.ts';

/** Up to here copying the parts of a frame into one costs less than handing each to the system. */
const SMALL_FRAME_BYTES = 64 * 1024;

/** A Unix socket's path ends here (sun_path, unix(7)); Node cuts a longer one in silence. */
const MAX_SOCKET_PATH_BYTES = 107;
/** Codes of a program that is not there, may not be run or is none; a lack of memory or processes may pass. */
const NO_PROGRAM = ['ENOENT', 'ENOTDIR', 'EACCES', 'ENOEXEC', 'E2BIG'];

/**
 * Milliseconds between a connection's end and the end of the job. The exit code of the job tells the cause, and a
 * launcher of ranks needs time to tell it, more on a loaded machine.
 */
const EXIT_AFTER_CLOSE_MS = 5000;

export interface JobOptions {
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly graceMs: number;
  readonly log: Log;
  /** `rank` is undefined until the connection said hello; what it throws ends the job. */
  readonly onFrame: (frame: Frame, connection: JobConnection) => void;
  /** Once, when every process is gone and everything is cleaned up. */
  /** `hopeless`: no process was made, and none ever will be with this command and these folders. */
  readonly onExit: (exit: EngineExit, hopeless: boolean) => void;
}

export interface JobConnection {
  rank: number | undefined;
  send(frame: Frame): void;
}

export interface Job {
  /** No further connection is expected: the socket's path is removed. */
  sealed(): void;
  /** Ends the job for a reason that is not the worker's own exit. */
  kill(reason: string): void;
  /** Asks, then terminates, then kills. Resolves when nothing is left. */
  stop(): Promise<void>;
  lastWords(): readonly string[];
}

/** Spawns the command as a process group of its own, listening on a socket in a private folder. */
export function startJob(options: JobOptions): Job {
  const folder = mkdtempSync(join(tmpdir(), 'xim-'));
  chmodSync(folder, 0o700);
  const path = join(folder, 's');
  const connections: { socket: Socket; connection: JobConnection }[] = [];
  let child: ChildProcess | undefined;
  let reason: string | undefined;
  let stopping = false;
  let over = false;
  let finished: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => (finished = resolve));
  let lastWords: () => readonly string[] = () => [];

  const server: Server = createServer((socket) => {
    const connection: JobConnection = {
      rank: undefined,
      send: (frame) => {
        if (socket.writable) writeParts(socket, encodeFrame(frame));
      },
    };
    connections.push({ socket, connection });
    const read = createFrameReader((frame) => over || options.onFrame(frame, connection));
    socket.on('data', (chunk: Buffer) => {
      try {
        read(chunk);
      } catch (error) {
        kill(`the worker broke the protocol: ${(error as Error).message}`);
      }
    });
    socket.on('error', () => undefined);
    // A worker that closes its socket but lives on can do nothing for us; the exit itself is told by the process.
    socket.on('close', () => setTimeout(() => kill('the worker closed its connection'), EXIT_AFTER_CLOSE_MS).unref());
  });

  const sealed = (): void => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  };
  const signalGroup = (signal: NodeJS.Signals): void => {
    if (child?.pid === undefined) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // Nobody is left in the group.
    }
  };
  const kill = (why: string): void => {
    if (over) return;
    reason ??= why;
    signalGroup('SIGKILL');
  };
  const end = (code: number | null, signal: NodeJS.Signals | null, spawnError?: Error, hopeless = false): void => {
    if (over) return;
    over = true;
    // Whatever the job started and left behind is still in its group.
    signalGroup('SIGKILL');
    sealed();
    for (const { socket } of connections) socket.destroy();
    const why = spawnError?.message ?? reason ?? describeExit(code, signal);
    const exit = { code: code ?? undefined, signal: signal ?? undefined, lastWords: lastWords() };
    options.onExit({ reason: why, expected: stopping, ...exit }, hopeless);
    finished();
  };

  const launch = (): void => {
    if (stopping) return end(null, null);
    const [program, ...args] = options.command;
    const spawned = spawn(program, args, {
      env: { ...options.env, XIM_WORKER_SOCKET: path, XIM_WORKER_HOST_PID: String(process.pid) },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    child = spawned;
    lastWords = followLog([spawned.stdout, spawned.stderr], options.log).lastWords;
    spawned.on('error', (error: NodeJS.ErrnoException) => {
      const hopeless = NO_PROGRAM.includes(error.code ?? '');
      end(null, null, new Error(`the worker could not be started: ${error.message}`), hopeless);
    });
    spawned.on('exit', (code, signal) => {
      // `close` waits for the last words; a straggler that holds the pipes open must not hold it for ever.
      signalGroup('SIGKILL');
      const late = setTimeout(() => {
        spawned.stdout.destroy();
        spawned.stderr.destroy();
      }, 2000);
      spawned.once('close', () => {
        clearTimeout(late);
        end(code, signal);
      });
    });
  };

  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    queueMicrotask(() =>
      end(
        null,
        null,
        new Error(`the folder for sockets has too long a path (${path}): set TMPDIR to a shorter one`),
        true,
      ),
    );
  } else {
    server.on('error', (error) => end(null, null, new Error(`no socket for the worker: ${error.message}`)));
    server.listen(path, launch);
  }

  return {
    sealed,
    kill,
    lastWords: () => lastWords(),
    stop() {
      if (!stopping && !over) {
        stopping = true;
        reason ??= 'it was stopped';
        for (const { connection } of connections) connection.send({ type: 'stop' });
        const wait = connections.length === 0 ? 0 : options.graceMs;
        const terminate = setTimeout(() => signalGroup('SIGTERM'), wait);
        const killing = setTimeout(() => kill('the worker ignored every request to stop'), wait + options.graceMs);
        void gone.then(() => (clearTimeout(terminate), clearTimeout(killing)));
      }
      return gone;
    },
  };
}

function writeParts(socket: Socket, parts: readonly Uint8Array[]): void {
  const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
  if (bytes <= SMALL_FRAME_BYTES) {
    socket.write(Buffer.concat(parts, bytes));
    return;
  }
  socket.cork();
  for (const part of parts) socket.write(part);
  socket.uncork();
}

function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal === 'SIGILL') return 'the worker was killed by SIGILL: this CPU lacks an instruction that it uses';
  if (signal === 'SIGKILL') return 'the worker was killed by SIGKILL (out of memory, or somebody killed it)';
  if (signal !== null) return `the worker was killed by ${signal}`;
  return `the worker exited with code ${code ?? 'unknown'}`;
}
