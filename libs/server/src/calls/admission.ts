import { OverloadedError } from '@xim/engine';

/**
 * Decides which calls run, wait or are refused, counted in sequences: a call that wants several takes several slots, at
 * most its share.
 *
 * Callers take turns: the waiting caller that had the fewest slots goes first. The calls of a caller go in the order of
 * arrival. The first call in this order waits until enough slots are free, and all others wait with it, so a stream of
 * small calls never starves a large call. Three rules let later calls pass:
 * - Where the engine shares its batches among calls (`share`), a large call holds no more than its share, and all large
 *   calls together hold half of the slots. Small calls pass large calls that wait for other large calls.
 * - A caller that holds slots takes none of the reserved slots (`reserved`). Callers without a slot pass.
 * - Callers share the queue. Where it is full, a caller with fewer places takes a place of the caller with the most: the
 *   latest call of that caller is refused, never its only call.
 */
export interface Admission {
  /**
   * Resolves with the call's slots, at once or after waiting. Rejects with OverloadedError when the queue has no room,
   * also later, where another caller takes the place; or with the signal's reason when it aborts first. The place in the
   * queue is free at once.
   *
   * @param caller the client; calls without a caller belong to one client
   */
  take(sequences: number, signal: AbortSignal, caller?: string): Promise<Slots>;
  readonly slots: number;
  readonly running: number;
  readonly queued: number;
}

export interface Slots {
  readonly count: number;
  /** Gives the slots back; once, however often it is called. */
  release(): void;
}

interface Waiter {
  readonly count: number;
  readonly large: boolean;
  readonly caller: Caller;
  admit(): void;
  refuse(): void;
}

interface Caller {
  readonly waiting: Set<Waiter>; // in order of arrival; leaving from the middle is as cheap as from the head
  running: number;
  queued: number;
  /**
   * The place among the callers: slots that the caller was given, not less than the caller that went last when it begins
   * to wait (start-time fair queueing, Goyal, Vin and Cheng 1996).
   */
  served: number;
}

const MIN_RETRY_SECONDS = 1;
const MAX_RETRY_SECONDS = 30;

export interface AdmissionOptions {
  readonly slots: number;
  readonly queue: number;
  /** The most slots that one call holds; only for engines that run the sequences of all calls in turns. Default all. */
  readonly share?: number | undefined;
  /** Slots that only a caller without a slot may take. Default none. */
  readonly reserved?: number | undefined;
  readonly now?: () => number;
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { slots, queue, share = slots, reserved = 0, now = () => performance.now() } = options;
  const mostLarge = Math.max(share, Math.floor(slots / 2));
  const callers = new Map<string, Caller>();
  const waiting = new Set<Caller>();
  let running = 0;
  let runningLarge = 0;
  let queued = 0;
  let served = 0; // of the caller that was admitted last
  let meanSeconds = 1;

  const callerOf = (name: string): Caller => {
    const caller = callers.get(name) ?? { waiting: new Set(), running: 0, queued: 0, served: 0 };
    callers.set(name, caller);
    return caller;
  };

  const grant = (count: number, large: boolean, caller: Caller): Slots => {
    const since = now();
    let held = true;
    running += count;
    caller.running += count;
    if (large) runningLarge += count;
    served = Math.max(served, caller.served);
    caller.served += count;
    return {
      count,
      release() {
        if (!held) return;
        held = false;
        running -= count;
        caller.running -= count;
        if (large) runningLarge -= count;
        meanSeconds += ((now() - since) / 1000 - meanSeconds) / 8;
        admitWaiting();
      },
    };
  };

  /** The calls that must end before this call can start: none, large calls, calls of its caller, or any. */
  const blockedBy = ({ count, large, caller }: Waiter): 'none' | 'large' | 'caller' | 'any' => {
    if (running + count > slots) return 'any';
    if (caller.running > 0 && running + count > slots - reserved) return 'caller';
    return large && runningLarge + count > mostLarge ? 'large' : 'none';
  };

  /** The waiting call that can start now; undefined while all wait. */
  const findNext = (): Waiter | undefined => {
    for (const caller of [...waiting].sort((one, other) => one.served - other.served)) {
      for (const waiter of caller.waiting) {
        const blocked = blockedBy(waiter);
        if (blocked === 'none') return waiter;
        if (blocked === 'any') return undefined;
        if (blocked === 'caller') break;
      }
    }
    return undefined;
  };
  const admitWaiting = (): void => {
    for (let next = findNext(); next; next = findNext()) next.admit();
  };

  /** The time in which what waits, and this call, would be through: all slots busy, each call as long as the recent ones. */
  const retryAfter = (count: number): number => {
    const seconds = Math.ceil(((queued + count) * meanSeconds) / slots);
    return Math.min(MAX_RETRY_SECONDS, Math.max(MIN_RETRY_SECONDS, seconds));
  };
  const overloaded = (count: number): OverloadedError => {
    const message = `All ${slots} slots are busy and ${queued} of ${queue} places in the queue are taken. Try again later.`;
    return new OverloadedError(message, retryAfter(count));
  };

  /**
   * The calls that leave the queue so that `newcomer` has a place; undefined where it gets none. One call larger than
   * the whole queue may wait alone; else it could never run on a busy service.
   */
  const findDisplaced = (newcomer: Waiter): Waiter[] | undefined => {
    if (queued === 0) return queue > 0 ? [] : undefined;
    const own = newcomer.caller.queued + newcomer.count;
    const places = new Map([...waiting].map((caller) => [caller, caller.queued]));
    const displaced = new Set<Waiter>();
    for (let excess = queued + newcomer.count - queue; excess > 0;) {
      const [most, count] = [...places].reduce((one, other) => (other[1] > one[1] ? other : one));
      const [, ...later] = most.waiting;
      const latest = later.findLast((waiter) => !displaced.has(waiter));
      if (latest === undefined || most === newcomer.caller || count <= own) return undefined;
      displaced.add(latest);
      places.set(most, count - latest.count);
      excess -= latest.count;
    }
    return [...displaced];
  };

  return {
    slots,
    get running() {
      return running;
    },
    get queued() {
      return queued;
    },
    take(sequences, signal, name = '') {
      if (signal.aborted) return Promise.reject(signal.reason as Error);
      const count = Math.min(sequences, share, slots);
      const large = sequences > share;
      const caller = callerOf(name);
      if (caller.queued === 0) caller.served = Math.max(caller.served, served);

      return new Promise<Slots>((resolve, reject) => {
        const leave = (): void => {
          caller.waiting.delete(waiter);
          caller.queued -= count;
          if (caller.waiting.size === 0) waiting.delete(caller);
          queued -= count;
          signal.removeEventListener('abort', onAbort);
        };
        const onAbort = (): void => {
          leave();
          reject(signal.reason as Error);
          admitWaiting(); // those behind a large call that gave up may fit
        };
        const waiter: Waiter = {
          count,
          large,
          caller,
          admit() {
            leave();
            resolve(grant(count, large, caller));
          },
          refuse() {
            leave();
            reject(overloaded(count));
          },
        };
        const displaced = findDisplaced(waiter);
        const refusal = displaced === undefined ? overloaded(count) : undefined;
        caller.waiting.add(waiter);
        caller.queued += count;
        waiting.add(caller);
        queued += count;
        signal.addEventListener('abort', onAbort);
        if (findNext() === waiter) waiter.admit();
        else if (refusal) {
          leave();
          reject(refusal);
        } else for (const other of displaced!) other.refuse();
      });
    },
  };
}
