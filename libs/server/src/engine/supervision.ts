import {
  type CreateOptions,
  type Engine,
  type EngineInfo,
  EngineNotReadyError,
  EngineStartError,
  type LoadProgress,
  type Log,
} from '@xim/engine';
import { createProgressLog } from '../operations/progress-log.ts';
import { createBackOff, type RestartOptions, restartDefaults } from './back-off.ts';
import { watchForStall } from './stall-watch.ts';

export type ServiceState = 'downloading' | 'loading' | 'ready' | 'restarting' | 'failed' | 'draining';

/** The state of the supervision, for health and metadata. */
export interface SupervisionStatus {
  readonly state: ServiceState;
  /** One sentence for anybody, where the state is not `ready`. */
  readonly reason?: string | undefined;
  /** How the last engine ended, for those who run the service. */
  readonly lastFailure?: string | undefined;
  readonly progress?: LoadProgress | undefined;
  /** Engines that were replaced since the service started. */
  readonly restarts: number;
}

/** The part of an engine's options that is known once all files are there. */
export type FetchedFiles = Pick<CreateOptions, 'modelPath' | 'companions'>;

export interface SupervisionParts {
  /** Brings the files of the model and its companions. Its failure is final. */
  fetch(options: { signal: AbortSignal; onProgress: (progress: LoadProgress) => void }): Promise<FetchedFiles>;
  create(files: FetchedFiles): Engine;
  readonly stallMs: number;
  /** Calls whose reader waits for the engine now. */
  pendingReads(): number;
  onReady(info: EngineInfo): void;
  onRestart(): void;
  readonly log: Log;
  /** Time between two lines about one step of progress. Default five seconds. */
  readonly progressMs?: number | undefined;
  readonly restart?: Partial<RestartOptions> | undefined;
}

export interface Supervision {
  /** Once. */
  start(): void;
  status(): SupervisionStatus;
  /** The running engine; undefined while none is ready. */
  readonly info: EngineInfo | undefined;
  /** The engine that runs now, also while draining. Throws EngineNotReadyError. */
  engine(): Engine;
  /** Throws EngineNotReadyError when new work is refused. */
  assertAccepting(): void;
  /** Resolves when the first engine is ready; rejects when there will never be one. */
  readonly ready: Promise<void>;
  /** From now on new work is refused and nothing is replaced; what runs goes on. */
  drain(): void;
  /** Ends engine, start or download. Never rejects. */
  stop(): Promise<void>;
}

/**
 * Keeps one engine running: fetches the model, starts an engine, replaces it when it dies or stalls. It gives up
 * (state `failed`) when a start fails for good, or when too many engines in a row did not last.
 */
export function createSupervision(parts: SupervisionParts): Supervision {
  const { log } = parts;
  const restart = { ...restartDefaults, ...parts.restart };
  const backOff = createBackOff(restart);
  const stopping = new AbortController();
  let first!: { resolve(): void; reject(error: unknown): void };
  const ready = new Promise<void>((resolve, reject) => (first = { resolve, reject }));
  ready.catch(() => undefined);
  let current: Engine | undefined;
  let info: EngineInfo | undefined;
  let running: Promise<void> = Promise.resolve();
  let draining = false;
  let status: SupervisionStatus = { state: 'downloading', reason: 'The model is being fetched.', restarts: 0 };

  const become = (state: ServiceState, reason?: string): void => {
    if (draining && state !== 'draining') return;
    status = { ...status, state, reason, progress: undefined };
  };
  const onProgress = createProgressLog(log, (progress) => (status = { ...status, progress }), parts.progressMs);

  /** One engine's life. Resolves with how it ended; rejects with EngineStartError. */
  const runOne = async (engine: Engine): Promise<string> => {
    info = await engine.start({ signal: stopping.signal, onProgress });
    become('ready');
    log.info({ info }, 'the engine is ready');
    parts.onReady(info);
    first.resolve();

    let stall: string | undefined;
    const unwatch = watchForStall({
      engine,
      stallMs: parts.stallMs,
      pendingReads: parts.pendingReads,
      onStall(silentMs) {
        stall = `it made no progress for ${Math.round(silentMs / 1000)} s with work open`;
        log.error({ silentMs: Math.round(silentMs) }, 'the engine stalls; it is stopped and replaced');
        become('restarting', 'The engine did not go on and is being replaced.');
        void engine.stop();
      },
    });
    const lasted = setTimeout(() => backOff.lasted(), restart.stableMs);
    const exit = await engine.exited;
    clearTimeout(lasted);
    unwatch();
    info = undefined;
    return stall ?? exit.reason;
  };

  const run = async (): Promise<void> => {
    const files = await parts.fetch({ signal: stopping.signal, onProgress });
    become('loading', 'The model is being loaded.');
    for (;;) {
      let failure: string;
      try {
        stopping.signal.throwIfAborted();
        failure = await runOne((current = parts.create(files)));
        if (draining) return;
        log.error({ reason: failure }, 'the engine ended');
      } catch (error) {
        if (draining || !EngineStartError.isInstance(error) || error.permanent) throw error;
        failure = error.message;
        log.error({ reason: failure, lastWords: error.lastWords }, 'the engine did not start');
      }
      status = { ...status, lastFailure: failure };
      const delayMs = backOff.next();
      if (delayMs === undefined) throw exhausted(restart.attempts, failure);
      become('restarting', 'The engine ended and is being replaced.');
      status = { ...status, restarts: status.restarts + 1 };
      parts.onRestart();
      log.info({ delayMs: Math.round(delayMs) }, 'a new engine is started after a pause');
      await pause(delayMs, stopping.signal);
      if (draining) return;
    }
  };

  const giveUp = (error: unknown): void => {
    first.reject(error);
    if (draining) return;
    const { message, lastWords } = error as EngineStartError;
    status = { ...status, lastFailure: message };
    become('failed', 'The engine cannot be started; the log of the service tells why.');
    log.error({ reason: message, lastWords }, 'there will be no engine');
  };

  const notReady = (): EngineNotReadyError =>
    new EngineNotReadyError(status.reason ?? 'The engine ended and is being replaced.');

  return {
    start() {
      running = run().catch(giveUp);
    },
    status: () => status,
    get info() {
      return info;
    },
    engine() {
      const { state } = status;
      if ((state === 'ready' || state === 'draining') && current?.state === 'ready') return current;
      throw notReady();
    },
    assertAccepting() {
      if (status.state !== 'ready') throw notReady();
    },
    ready,
    drain() {
      draining = true;
      become('draining', 'The service is shutting down.');
    },
    async stop() {
      this.drain();
      stopping.abort(new EngineNotReadyError('The service was stopped.'));
      await current?.stop();
      await running;
      first.reject(new EngineNotReadyError('The service was stopped.'));
    },
  };
}

function exhausted(attempts: number, failure: string): EngineStartError {
  const message = `[server] ${attempts} engines in a row did not last; how the last one ended: ${failure}`;
  return new EngineStartError(message, { permanent: true });
}

/** Resolves after the time, or at once when `signal` aborts. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
  });
}
