import { type CallOptions, toAbortError, type XimError } from '@xim/engine';
import { toXimError } from './errors.ts';

/** Bytes of events that may wait unread per call; a worker that has sent so many waits for the reader. */
export const CREDIT_BYTES = 1 << 20;

export interface WireEvent {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** What a call needs of the engine that carries it. */
export interface Carrier {
  /** Throws when no call can be taken; otherwise sends the call and hands its events to `receiver`. */
  open(task: string, input: unknown, options: CallOptions, receiver: Receiver): number;
  /** The call is over: forgotten, and cancelled in the worker unless it ended there. */
  close(id: number, endedByWorker: boolean): void;
  credit(id: number, bytes: number): void;
}

export interface Receiver {
  event(event: WireEvent): void;
  fail(error: XimError): void;
  /** The worker waits for this call's reader, not the reader for the worker. */
  readonly held: boolean;
}

/** One call's way through the worker, from first `next()` to its end, as the iterable that the contract promises. */
export function sendCall<E>(
  carrier: Carrier,
  task: string,
  input: unknown,
  options: CallOptions,
  endType: 'end' | 'result',
): AsyncIterable<E> {
  let iterated = false;
  return {
    [Symbol.asyncIterator]() {
      if (iterated) throw new Error('[worker] A call may be iterated once.');
      iterated = true;
      return createIterator<E>(carrier, task, input, options, endType);
    },
  };
}

function createIterator<E>(
  carrier: Carrier,
  task: string,
  input: unknown,
  options: CallOptions,
  endType: string,
): AsyncIterator<E> {
  type Waiter = { resolve(result: IteratorResult<E>): void; reject(error: unknown): void };
  const events: WireEvent[] = [];
  const waiters: Waiter[] = [];
  const { signal } = options;
  let state: 'new' | 'open' | 'closed' = 'new';
  let error: XimError | undefined;
  let id = 0;
  let unread = 0;

  const close = (endedByWorker: boolean): void => {
    if (state === 'open') {
      signal.removeEventListener('abort', onAbort);
      carrier.close(id, endedByWorker);
    }
    state = 'closed';
  };
  const fail = (reason: XimError, endedByWorker: boolean): void => {
    if (state === 'closed') return;
    close(endedByWorker);
    // What the worker sent before it failed is still read; a caller who gave up reads nothing more.
    if (!endedByWorker) events.length = 0;
    const waiter = waiters.shift();
    if (waiter) waiter.reject(reason);
    else error = reason;
    settleRest();
  };
  const settleRest = (): void => {
    for (const waiter of waiters.splice(0)) waiter.resolve({ value: undefined, done: true });
  };
  const onAbort = (): void => fail(toAbortError(signal), false);

  const receiver: Receiver = {
    get held() {
      return unread >= CREDIT_BYTES;
    },
    fail: (reason) => fail(reason, true),
    event(event) {
      if (event.type === 'error') {
        fail(toXimError(event), true);
        return;
      }
      if (event.type === endType) close(true);
      const waiter = waiters.shift();
      if (waiter === undefined) {
        unread += bytesOf(event);
        events.push(event);
        return;
      }
      grant(bytesOf(event));
      waiter.resolve({ value: event as E, done: false });
      if (state === 'closed') settleRest();
    },
  };
  const grant = (bytes: number): void => {
    if (bytes > 0 && state === 'open') carrier.credit(id, bytes);
  };
  const begin = (): void => {
    if (signal.aborted) throw closedWith(toAbortError(signal));
    try {
      id = carrier.open(task, input, options, receiver);
    } catch (reason) {
      throw closedWith(reason);
    }
    state = 'open';
    signal.addEventListener('abort', onAbort, { once: true });
  };
  const closedWith = <T>(reason: T): T => {
    state = 'closed';
    return reason;
  };

  return {
    async next() {
      if (state === 'new') begin();
      const event = events.shift();
      if (event !== undefined) {
        const bytes = bytesOf(event);
        unread -= bytes;
        grant(bytes);
        return { value: event as E, done: false };
      }
      if (error !== undefined) {
        const reason = error;
        error = undefined;
        throw reason;
      }
      if (state === 'closed') return { value: undefined, done: true };
      return new Promise<IteratorResult<E>>((resolve, reject) => waiters.push({ resolve, reject }));
    },
    return() {
      close(false);
      events.length = 0;
      error = undefined;
      settleRest();
      return Promise.resolve({ value: undefined, done: true });
    },
  };
}

/** Bytes of an event that count against the credit: its top-level `Uint8Array`s. */
function bytesOf(event: WireEvent): number {
  // Only media events carry bytes, and they name them so.
  return event['bytes'] instanceof Uint8Array ? event['bytes'].byteLength : 0;
}
