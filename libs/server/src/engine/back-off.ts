export interface RestartOptions {
  /** Engines in a row that may not last, before the supervision gives up. */
  readonly attempts: number;
  /** An engine that was ready for so long has lasted: counting starts anew. */
  readonly stableMs: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

export const restartDefaults: RestartOptions = { attempts: 6, stableMs: 60_000, minDelayMs: 1000, maxDelayMs: 30_000 };

export interface BackOff {
  /** Milliseconds to wait before the next engine; undefined when there should be none. */
  next(): number | undefined;
  lasted(): void;
}

/** Doubles the pause with each engine that did not last; half of it is random, so that replicas do not start in step. */
export function createBackOff(options: RestartOptions, random: () => number = Math.random): BackOff {
  let failures = 0;
  return {
    next() {
      failures++;
      if (failures >= options.attempts) return undefined;
      const pause = Math.min(options.maxDelayMs, options.minDelayMs * 2 ** failures);
      return Math.max(options.minDelayMs, pause * (0.5 + random() / 2));
    },
    lasted() {
      failures = 0;
    },
  };
}
