import { OverloadedError } from '@xim/engine';

/**
 * Decides who runs and who waits, counted in sequences: a call that wants several takes several slots, at most all.
 * Strictly first come, first served: a large call at the head waits for its slots and everyone behind waits with it, so
 * small ones never starve it.
 *
 * Where the engine shares its batches among calls (`share`), a large call holds no more than its share, and all large
 * ones together half of the slots: small ones go by those large ones that wait for others of their kind.
 */
export interface Admission {
  /**
   * Resolves with the call's slots (no more than its share), at once or after waiting. Rejects with OverloadedError when the queue has no room,
   * or with the signal's reason when it aborts first; the place in the queue is free at once.
   */
  take(sequences: number, signal: AbortSignal): Promise<Slots>;
  readonly slots: number;
  readonly running: number;
  readonly queued: number;
}

export interface Slots {
  readonly count: number;
  /** Gives them back; once, however often it is called. */
  release(): void;
}

interface Waiter {
  readonly count: number;
  readonly large: boolean;
  admit(): void;
}

const MIN_RETRY_SECONDS = 1;
const MAX_RETRY_SECONDS = 30;

export interface AdmissionOptions {
  readonly slots: number;
  readonly queue: number;
  /** The most slots that one call holds; only for engines that run the sequences of all calls in turns. Default all. */
  readonly share?: number | undefined;
  readonly now?: () => number;
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { slots, queue, share = slots, now = () => performance.now() } = options;
  const mostLarge = Math.max(share, Math.floor(slots / 2));
  const waiting = new Set<Waiter>(); // in order of arrival; leaving from the middle is as cheap as from the head
  let running = 0;
  let runningLarge = 0;
  let queued = 0;
  let meanSeconds = 1;

  const grant = (wanted: number, large: boolean): Slots => {
    const since = now();
    const count = Math.min(wanted, share);
    let held = true;
    running += count;
    if (large) runningLarge += count;
    return {
      count,
      release() {
        if (!held) return;
        held = false;
        running -= count;
        if (large) runningLarge -= count;
        meanSeconds += ((now() - since) / 1000 - meanSeconds) / 8;
        admitWaiting();
      },
    };
  };

  /** The calls that a new call waits for: none, large calls alone, or any. */
  const blockedBy = (wanted: number, large: boolean): 'nothing' | 'large' | 'all' => {
    const count = Math.min(wanted, share);
    if (running + count > slots) return 'all';
    return large && runningLarge + count > mostLarge ? 'large' : 'nothing';
  };

  const admitWaiting = (): void => {
    for (const waiter of waiting) {
      const blocked = blockedBy(waiter.count, waiter.large);
      if (blocked === 'all') return;
      if (blocked === 'nothing') waiter.admit();
    }
  };

  /** Whether a call that arrives goes by all that wait: a small one does where they are large and wait for their kind. */
  const mayPass = (large: boolean): boolean => {
    for (const waiter of waiting) {
      if (large || blockedBy(waiter.count, waiter.large) !== 'large') return false;
    }
    return true;
  };

  /** The time in which what waits, and this call, would be through: all slots busy, each call as long as the recent ones. */
  const retryAfter = (count: number): number => {
    const seconds = Math.ceil(((queued + count) * meanSeconds) / slots);
    return Math.min(MAX_RETRY_SECONDS, Math.max(MIN_RETRY_SECONDS, seconds));
  };

  return {
    slots,
    get running() {
      return running;
    },
    get queued() {
      return queued;
    },
    take(sequences, signal) {
      const count = Math.min(sequences, slots);
      if (signal.aborted) return Promise.reject(signal.reason as Error);
      const large = count > share;
      if (mayPass(large) && blockedBy(count, large) === 'nothing') return Promise.resolve(grant(count, large));

      // One call larger than the whole queue may wait alone; else it could never run on a busy service.
      const fits = queued + count <= queue || (queue > 0 && queued === 0);
      if (!fits) {
        const message = `All ${slots} slots are busy and ${queued} of ${queue} places in the queue are taken. Try again later.`;
        return Promise.reject(new OverloadedError(message, retryAfter(count)));
      }

      return new Promise<Slots>((resolve, reject) => {
        const leave = (): void => {
          waiting.delete(waiter);
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
          admit() {
            leave();
            resolve(grant(count, large));
          },
        };
        waiting.add(waiter);
        queued += count;
        signal.addEventListener('abort', onAbort);
      });
    },
  };
}
