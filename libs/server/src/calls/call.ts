import { CancelledError, type CallOptions, DeadlineError, type Engine, InvalidInputError } from '@xim/engine';
import type { FastifyRequest } from 'fastify';
import { onClientDisconnect } from '../http/client-disconnect.ts';
import type { Admission, Slots } from './admission.ts';
import type { Metrics } from './metrics.ts';

export interface CallParts {
  readonly admission: Admission;
  readonly metrics: Metrics;
  readonly requestTimeoutMs: number;
  /** Throws EngineNotReadyError when no new call is taken: loading, restarting, draining, failed. */
  assertAccepting(): void;
  /** The engine that runs now, also while draining. Throws EngineNotReadyError. */
  engine(): Engine;
}

/** One call from the moment its route asks for it to the moment its slots are free. */
export interface Call {
  readonly options: CallOptions;
  /**
   * Waits for the slots. Rejects with what refused the call, or with the signal's reason. A call that has its slots
   * keeps them: then this only looks for the engine.
   */
  admit(): Promise<Engine>;
  /** Stops the clock of the deadline. */
  holdDeadline(): void;
  /** Counts the deadline from now. */
  restartDeadline(): void;
  /** Ends the call from outside; its signal aborts with `reason`. */
  abort(reason: Error): void;
  /** Gives everything back; once, however often it is called. */
  end(): void;
}

/** Calls since the start of the process. */
let opened = 0;

/**
 * Opens a call: its signal aborts with CancelledError when the client's connection closes and with DeadlineError when
 * its time is over, counted from the request's arrival. `end()` must follow.
 */
export function createCall(request: FastifyRequest, sequences: number, parts: CallParts): Call {
  const { admission, metrics } = parts;
  const timeoutMs = Math.min(parts.requestTimeoutMs, askedTimeoutMs(request));
  const controller = new AbortController();
  const { signal } = controller;
  const startTimer = (from: number): NodeJS.Timeout =>
    setTimeout(() => controller.abort(new DeadlineError()), Math.max(0, from + timeoutMs - performance.now()));
  let timer = startTimer(request.stats.arrived);
  const unwatch = onClientDisconnect(request.raw.socket, () => controller.abort(new CancelledError()));
  let slots: Slots | undefined;
  let ended = false;

  return {
    options: { id: request.id, signal, turn: { caller: request.caller, request: String(++opened) } },
    holdDeadline() {
      clearTimeout(timer);
    },
    restartDeadline() {
      clearTimeout(timer);
      if (ended) return;
      timer = startTimer(performance.now());
    },
    abort: (reason) => controller.abort(reason),
    async admit() {
      if (slots && ended) throw signal.reason ?? new CancelledError('The call is over.');
      if (slots) return parts.engine();
      parts.assertAccepting();
      const asked = performance.now();
      const taken = await admission.take(sequences, signal, request.caller);
      if (ended) {
        taken.release();
        throw signal.reason ?? new CancelledError();
      }
      slots = taken;
      const waitedMs = performance.now() - asked;
      request.stats.queueMs += waitedMs;
      request.stats.admittedMs ??= performance.now() - request.stats.arrived;
      metrics.queueWait.observe(waitedMs / 1000);
      metrics.batchSize.observe(admission.running);
      return parts.engine();
    },
    end() {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      unwatch();
      slots?.release();
    },
  };
}

/** A client may ask for less time than the service gives: `x-request-timeout`, in seconds. Infinity where it does not. */
export function askedTimeoutMs(request: FastifyRequest): number {
  const header = request.headers['x-request-timeout'];
  if (header === undefined) return Infinity;
  const seconds = Number(header);
  if (seconds > 0) return seconds * 1000;
  const message = `x-request-timeout is "${String(header).slice(0, 20)}"; expected seconds, above 0.`;
  throw new InvalidInputError(message, { param: 'x-request-timeout' });
}
