import { EngineNotReadyError, type Log } from '@xim/engine';
import type { FastifyInstance } from 'fastify';
import type { RunningCalls } from '../calls/calls.ts';
import type { Config } from '../config/config.ts';
import type { Supervision } from '../engine/supervision.ts';

/** Time for the last answers to leave, after their calls ended. */
const FLUSH_MS = 2000;
/** A signal may arrive twice, from the terminal's process group and from npm. */
const REPEAT_MS = 1000;

interface CloseParts {
  readonly app: FastifyInstance;
  readonly calls: RunningCalls;
  readonly supervision: Supervision;
  readonly config: Pick<Config, 'drainSeconds'>;
}

/** New work is refused at once, running work gets its time, then everything ends. */
export function createClose({ app, calls, supervision, config }: CloseParts) {
  let closing: Promise<void> | undefined;
  const close = async (drainMs: number): Promise<void> => {
    supervision.drain();
    if (calls.open > 0) app.log.info({ calls: calls.open, drainMs }, 'running requests get time to finish');
    await Promise.race([calls.idle(), sleep(drainMs)]);
    if (calls.open > 0) {
      app.log.warn({ calls: calls.open }, 'the time is over; the remaining requests are ended');
      calls.abortAll(new EngineNotReadyError('The service was shut down before this request was finished.'));
    }
    const cut = setTimeout(() => app.server.closeAllConnections(), FLUSH_MS);
    await app.close();
    clearTimeout(cut);
    await supervision.stop();
  };
  return ({ drainMs = config.drainSeconds * 1000 }: { drainMs?: number } = {}): Promise<void> =>
    (closing ??= close(drainMs));
}

/** The part of `process` that takes signals and ends. */
export interface SignalSource {
  on(event: string, listener: (argument: unknown) => void): unknown;
  exit(code: number): void;
}

/**
 * SIGTERM and SIGINT close the server and end with 0; a second one, later than a stuttered first, ends at once. What
 * no code expected is logged and ends with 1.
 */
export function closeOnSignals(process: SignalSource, log: Log, close: () => Promise<void>): void {
  let firstAt: number | undefined;
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.on(signal, () => {
      const now = performance.now();
      if (firstAt !== undefined) {
        if (now - firstAt > REPEAT_MS) process.exit(1);
        return;
      }
      firstAt = now;
      log.info({ signal }, 'shutting down');
      void close().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    });
  }
  for (const event of ['unhandledRejection', 'uncaughtException']) {
    process.on(event, (error) => {
      const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
      log.error({ event, name, message, stack }, 'a bug in this service; it ends');
      process.exit(1);
    });
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
