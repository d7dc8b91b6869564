import {
  type CallOptions,
  CancelledError,
  DeadlineError,
  type Engine,
  EngineNotReadyError,
  OverloadedError,
} from '@xim/engine';
import type { FastifyRequest } from 'fastify';
import type { Calls } from '../context.ts';
import { createCallStream } from './call-stream.ts';
import { type CallParts, type Call, createCall } from './call.ts';
import { createMeter } from './meter.ts';

/** Steps of a call, such as those of denoising. */
export interface CallProgress {
  readonly step: number;
  readonly of: number;
}

export interface RunningCalls extends Calls {
  /** Calls that are open, queued ones included. */
  readonly open: number;
  /** Calls whose reader waits for the engine right now: the ones a hanging engine would hold. */
  readonly pendingReads: number;
  /** Steps of the running calls that tell them, in the order in which the calls began. */
  readonly progress: readonly CallProgress[];
  /** Resolves when no call is open. */
  idle(): Promise<void>;
  /** Ends every open call with `reason`. */
  abortAll(reason: Error): void;
}

export function createCalls(parts: CallParts): RunningCalls {
  /** With the steps that a call told last. */
  const calls = new Map<Call, CallProgress | undefined>();
  let whenIdle: (() => void)[] = [];
  let pendingReads = 0;

  const begin = (request: FastifyRequest, sequences: number): Call => {
    const call = createCall(request, sequences, parts);
    calls.set(call, undefined);
    return call;
  };
  const countPendingRead = (change: 1 | -1): void => {
    pendingReads += change;
  };
  const end = (call: Call, admitted: boolean, error?: unknown): void => {
    call.end();
    calls.delete(call);
    if (!admitted) countRefusal(error);
    if (calls.size > 0) return;
    const waiting = whenIdle;
    whenIdle = [];
    for (const resolve of waiting) resolve();
  };
  const countRefusal = (error: unknown): void => {
    const { metrics } = parts;
    if (OverloadedError.isInstance(error)) metrics.refused('overloaded');
    else if (EngineNotReadyError.isInstance(error)) metrics.refused('not-ready');
    else if (DeadlineError.isInstance(error)) metrics.refused('deadline-in-queue');
    else if (CancelledError.isInstance(error)) metrics.refused('cancelled-in-queue');
  };

  /** The events of a call that begins with the first of them, or that was admitted before. */
  const read = <E extends { readonly type: string }>(
    request: FastifyRequest,
    beginCall: () => Call,
    wasAdmitted: boolean,
    open: (engine: Engine, options: CallOptions) => AsyncIterable<E>,
  ): AsyncIterable<E> => ({
    [Symbol.asyncIterator]() {
      const meter = createMeter(parts.metrics, request.stats);
      let admitted = wasAdmitted;
      let running: Call | undefined;
      return createCallStream<E>({
        begin: () => (running = beginCall()),
        open(engine, options) {
          admitted = true;
          return open(engine, options);
        },
        onEvent(event) {
          meter.event(event);
          if (event.type !== 'progress') return;
          const { step, of } = event as Partial<CallProgress>;
          if (step !== undefined && of !== undefined && calls.has(running!)) calls.set(running!, { step, of });
        },
        onEnd(call, error) {
          if (error !== undefined) request.stats.error = (error as { code?: string }).code ?? 'XIM_UNKNOWN';
          end(call, admitted, error);
        },
        countPendingRead,
      });
    },
  });

  return {
    get open() {
      return calls.size;
    },
    get pendingReads() {
      return pendingReads;
    },
    get progress() {
      return [...calls.values()].filter((progress) => progress !== undefined);
    },
    idle: () => (calls.size === 0 ? Promise.resolve() : new Promise((resolve) => whenIdle.push(resolve))),
    abortAll(reason) {
      for (const call of calls.keys()) call.abort(reason);
    },

    stream: (request, sequences, open) => read(request, () => begin(request, sequences), false, open),

    async admitCall(request, sequences) {
      const call = begin(request, sequences);
      try {
        await call.admit();
      } catch (error) {
        end(call, false, error);
        throw error;
      }
      call.holdDeadline();
      return {
        signal: call.options.signal,
        restartDeadline: call.restartDeadline,
        received(bytes) {
          parts.metrics.uploads.count += 1;
          parts.metrics.uploads.bytes += bytes;
        },
        stream: (open) => read(request, () => call, true, open),
        end: () => end(call, true),
      };
    },

    async once(request, sequences, open) {
      const meter = createMeter(parts.metrics, request.stats);
      const call = begin(request, sequences);
      const { signal } = call.options;
      let admitted = false;
      let failure: unknown;
      const aborted = new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
      aborted.catch(() => undefined);
      try {
        const engine = await call.admit();
        admitted = true;
        countPendingRead(1);
        const output = await Promise.race([open(engine, call.options), aborted]);
        meter.output(output);
        return output;
      } catch (error) {
        failure = error;
        throw error;
      } finally {
        if (admitted) countPendingRead(-1);
        end(call, admitted, failure);
      }
    },
  };
}
