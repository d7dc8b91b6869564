import { type CallOptions, CancelledError, type Engine } from '@xim/engine';
import type { Call } from './call.ts';

export interface StreamParts<E> {
  /** Opens the call; begins with the first `next()`. */
  begin(): Call;
  open(engine: Engine, options: CallOptions): AsyncIterable<E>;
  onEvent(event: E): void;
  /** Once, when the call is over; `error` where it failed. */
  onEnd(call: Call, error?: unknown): void;
  /** +1 when a reader begins to wait for an event of the engine, −1 when it has it or gives up. */
  countPendingRead(change: 1 | -1): void;
}

/**
 * The engine's events for one reader. Between the two stands no generator: this runs for every token of every stream.
 *
 * The reader is told of an abort at once, and the slots are free at once, even where nobody asks for the next event.
 */
export function createCallStream<E>(parts: StreamParts<E>): AsyncIterator<E> {
  type Result = IteratorResult<E>;
  const done: Result = { done: true, value: undefined };
  let call: Call | undefined;
  let inner: AsyncIterator<E> | undefined;
  let resolve: ((result: Result) => void) | undefined;
  let reject: ((error: unknown) => void) | undefined;
  let over = false;
  let pending = false;
  let unseen: { error: unknown } | undefined; // a failure that came while nobody waited

  const finish = (error?: unknown): void => {
    over = true;
    if (pending) parts.countPendingRead(-1);
    pending = false;
    call?.options.signal.removeEventListener('abort', onAbort);
    if (call) parts.onEnd(call, error);
  };
  const fail = (error: unknown): void => {
    if (over) return;
    finish(error);
    if (reject) reject(error);
    else unseen = { error };
    resolve = reject = undefined;
  };
  const leave = (): void => {
    // An iterator that waits for its next event hears of `return` only after that event, of the signal at once. The
    // engine may still take a step to stop; no caller waits for that.
    call?.abort(new CancelledError('The reader left.'));
    Promise.resolve(inner?.return?.()).catch(() => undefined);
  };
  const onAbort = (): void => {
    fail(call!.options.signal.reason);
    leave();
  };
  const onResult = (result: Result): void => {
    if (over) return;
    if (result.done) finish();
    else {
      pending = false;
      parts.countPendingRead(-1);
      parts.onEvent(result.value);
    }
    const deliver = resolve!;
    resolve = reject = undefined;
    deliver(result);
  };
  const pull = (): void => {
    pending = true;
    parts.countPendingRead(1);
    inner!.next().then(onResult, fail);
  };
  const begin = async (): Promise<void> => {
    try {
      call = parts.begin();
      const { signal } = call.options;
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) return onAbort();
      const engine = await call.admit();
      if (over) return;
      inner = parts.open(engine, call.options)[Symbol.asyncIterator]();
      pull();
    } catch (error) {
      fail(error);
    }
  };

  return {
    next() {
      if (resolve) return Promise.reject(new Error('[server] One reader may ask for one event at a time.'));
      if (unseen) {
        const { error } = unseen;
        unseen = undefined;
        return Promise.reject(error as Error);
      }
      if (over) return Promise.resolve(done);
      return new Promise<Result>((onNext, onFail) => {
        resolve = onNext;
        reject = onFail;
        if (inner) pull();
        else void begin();
      });
    },
    return() {
      const waiting = resolve;
      resolve = reject = undefined;
      unseen = undefined;
      if (!over) {
        finish();
        leave();
      }
      waiting?.(done);
      return Promise.resolve(done);
    },
  };
}
