import { OverloadedError } from '@xim/engine';

/**
 * Decides who runs and who waits, counted in sequences: a call that wants several takes several slots, at most all.
 * Strictly first come, first served: a large call at the head waits for its slots and everyone behind waits with it, so
 * small ones never starve it.
 */
export interface Admission {
  /**
   * Resolves with the call's slots, at once or after waiting. Rejects with OverloadedError when the queue has no room,
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
  admit(): void;
}

const MIN_RETRY_SECONDS = 1;
const MAX_RETRY_SECONDS = 30;

export function createAdmission(options: { slots: number; queue: number; now?: () => number }): Admission {
  const { slots, queue, now = () => performance.now() } = options;
  const waiting = new Set<Waiter>(); // in order of arrival; leaving from the middle is as cheap as from the head
  let running = 0;
  let queued = 0;
  let meanSeconds = 1;

  const grant = (count: number): Slots => {
    const since = now();
    let held = true;
    running += count;
    return {
      count,
      release() {
        if (!held) return;
        held = false;
        running -= count;
        meanSeconds += ((now() - since) / 1000 - meanSeconds) / 8;
        admitWaiting();
      },
    };
  };

  const admitWaiting = (): void => {
    for (const waiter of waiting) {
      if (running + waiter.count > slots) return;
      waiter.admit();
    }
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
      if (waiting.size === 0 && running + count <= slots) return Promise.resolve(grant(count));

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
          admit() {
            leave();
            resolve(grant(count));
          },
        };
        waiting.add(waiter);
        queued += count;
        signal.addEventListener('abort', onAbort);
      });
    },
  };
}
