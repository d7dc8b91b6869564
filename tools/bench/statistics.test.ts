import { describe, expect, it } from 'vitest';
import { medianInterval, quantile } from './statistics.ts';

describe('statistics', () => {
  it('interpolates quantiles', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([1, 2, 3], 1)).toBe(3);
    expect(quantile([], 0.5)).toBeNaN();
  });

  // Coverage of [k-th smallest, k-th largest]: 7 values 98.4 % (k = 1), 9 values 96.1 % (k = 2), 12 values 96.1 % (k = 3).
  it.each([
    [7, 1],
    [8, 1],
    [9, 2],
    [12, 3],
    [15, 4],
  ])('of %i values takes the %i. from both ends', (n, k) => {
    const values = Array.from({ length: n }, (_, i) => i + 1);
    expect(medianInterval(values)).toEqual({ median: (n + 1) / 2, low: k, high: n + 1 - k });
  });
});
