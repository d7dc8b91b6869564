/** Order statistics: results of few, noisy runs without the assumption of a distribution. */

export interface Interval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The q-quantile (0 to 1) by linear interpolation; NaN of nothing. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)] ?? NaN;
  const above = sorted[Math.ceil(at)] ?? NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/**
 * The median with its distribution-free interval of at least 95 % confidence: the k-th smallest and k-th largest value,
 * where k is the largest with 1 − 2·P(Binomial(n, ½) < k) ≥ 0.95 (the sign test). With fewer than 6 values: all.
 */
export function medianInterval(values: readonly number[]): Interval {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  let k = 1;
  let below = 0.5 ** n;
  for (let term = below, i = 1; i < n / 2; i++) {
    term = (term * (n - i + 1)) / i;
    below += term;
    if (1 - 2 * below < 0.95) break;
    k = i + 1;
  }
  return { median: quantile(sorted, 0.5), low: sorted[k - 1] ?? NaN, high: sorted[n - k] ?? NaN };
}

/** A figure that was measured once: the interval is the value. */
export function exactly(value: number): Interval {
  return { median: value, low: value, high: value };
}
