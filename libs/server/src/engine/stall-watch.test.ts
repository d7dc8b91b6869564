import { afterEach, describe, expect, it, vi } from 'vitest';
import { watchForStall } from './stall-watch.ts';

afterEach(() => vi.useRealTimers());

function watch(pendingReads: () => number) {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  const engine = { lastProgress: performance.now() };
  const onStall = vi.fn();
  return { engine, onStall, stop: watchForStall({ engine, stallMs: 5000, pendingReads, onStall }) };
}

describe('an engine without progress', () => {
  it('is reported once, after the stall time', () => {
    const { onStall } = watch(() => 1);
    vi.advanceTimersByTime(5000);
    expect(onStall).not.toHaveBeenCalled();
    vi.advanceTimersByTime(20_000);
    expect(onStall).toHaveBeenCalledOnce();
    expect(onStall.mock.calls[0]![0]).toBeGreaterThan(5000);
  });

  it('is left alone while nobody waits for it, while it goes on, and when the watch has ended', () => {
    let pendingReads = 0;
    const { engine, onStall, stop } = watch(() => pendingReads);
    vi.advanceTimersByTime(60_000);
    pendingReads = 1;
    for (let i = 0; i < 20; i++) {
      engine.lastProgress = performance.now();
      vi.advanceTimersByTime(4000);
    }
    stop();
    vi.advanceTimersByTime(60_000);
    expect(onStall).not.toHaveBeenCalled();
  });

  it('is not blamed for the time in which this process itself was held up', () => {
    const { onStall } = watch(() => 1);
    vi.advanceTimersByTime(1000);
    const real = performance.now.bind(performance);
    const heldUp = vi.spyOn(performance, 'now').mockImplementation(() => real() + 60_000);
    vi.advanceTimersByTime(4000);
    expect(onStall).not.toHaveBeenCalled(); // its signs of life may still be unread
    vi.advanceTimersByTime(4000);
    expect(onStall).toHaveBeenCalledOnce();
    heldUp.mockRestore();
  });
});
