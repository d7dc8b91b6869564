import { describe, expect, it } from 'vitest';
import { createBackOff, restartDefaults } from './back-off.ts';

describe('the pause before the next engine', () => {
  it('doubles from one second to thirty, half of it by chance, and ends after the last attempt', () => {
    const least = createBackOff({ ...restartDefaults, attempts: 8 }, () => 0);
    const most = createBackOff({ ...restartDefaults, attempts: 8 }, () => 1);
    const all = (backOff: typeof least) => Array.from({ length: 8 }, () => backOff.next());
    expect(all(least)).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000, 15_000, undefined]);
    expect(all(most)).toEqual([2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, undefined]);
  });

  it('begins anew when an engine lasted', () => {
    const backOff = createBackOff({ ...restartDefaults, attempts: 2 }, () => 0);
    expect(backOff.next()).toBe(1000);
    backOff.lasted();
    expect(backOff.next()).toBe(1000);
    expect(backOff.next()).toBeUndefined();
  });
});
