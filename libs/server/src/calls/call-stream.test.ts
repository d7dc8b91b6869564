import { CancelledError, type Engine } from '@xim/engine';
import { describe, expect, it, vi } from 'vitest';
import { createCallStream, type StreamParts } from './call-stream.ts';
import type { Call } from './call.ts';

type Event = number;

/** A stream over hand-fed events. */
function feed(parts: Partial<StreamParts<Event>> = {}) {
  const controller = new AbortController();
  const waiters: PromiseWithResolvers[] = [];
  const inner = {
    next: vi.fn(() => new Promise<IteratorResult<Event>>((resolve, reject) => waiters.push({ resolve, reject }))),
    return: vi.fn(async () => ({ done: true as const, value: undefined })),
  };
  const call: Call = {
    options: { id: 'x', signal: controller.signal },
    admit: vi.fn(async () => ({}) as Engine),
    holdDeadline: () => undefined,
    restartDeadline: () => undefined,
    abort: vi.fn((reason: Error) => controller.abort(reason)),
    end: vi.fn(),
  };
  let pendingReads = 0;
  const onEnd = vi.fn();
  const stream = createCallStream<Event>({
    begin: () => call,
    open: () => ({ [Symbol.asyncIterator]: () => inner }),
    onEvent: () => undefined,
    onEnd,
    countPendingRead: (change) => (pendingReads += change),
    ...parts,
  });
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { stream, inner, call, controller, onEnd, settled, waiters, pendingReads: () => pendingReads };
}

interface PromiseWithResolvers {
  resolve(result: IteratorResult<Event>): void;
  reject(error: unknown): void;
}

describe('a stream of a call', () => {
  it('begins with the first next, and counts a pending read only while a reader waits', async () => {
    const { stream, call, inner, waiters, settled, pendingReads, onEnd } = feed();
    expect(call.admit).not.toHaveBeenCalled();
    expect(pendingReads()).toBe(0);
    const first = stream.next();
    await settled();
    expect(pendingReads()).toBe(1);
    waiters[0]!.resolve({ done: false, value: 7 });
    expect(await first).toEqual({ done: false, value: 7 });
    expect(pendingReads()).toBe(0);
    const last = stream.next();
    waiters[1]!.resolve({ done: true, value: undefined });
    expect(await last).toEqual({ done: true, value: undefined });
    expect(onEnd).toHaveBeenCalledOnce();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(inner.next).toHaveBeenCalledTimes(2);
    expect(pendingReads()).toBe(0);
  });

  it('ends with the engine’s failure, once', async () => {
    const { stream, waiters, settled, pendingReads, onEnd, call } = feed();
    const first = stream.next();
    await settled();
    const error = new Error('broken');
    waiters[0]!.reject(error);
    await expect(first).rejects.toBe(error);
    expect(onEnd.mock.calls).toEqual([[call, error]]);
    expect(await stream.next()).toMatchObject({ done: true });
    expect(pendingReads()).toBe(0);
  });

  it('tells its reader of an abort at once, whatever the engine does', async () => {
    const { stream, controller, settled, onEnd, pendingReads, inner } = feed();
    const first = stream.next();
    await settled();
    const gone = new CancelledError();
    controller.abort(gone);
    await expect(first).rejects.toBe(gone);
    expect(onEnd).toHaveBeenCalledOnce();
    expect(inner.return).toHaveBeenCalled();
    expect(pendingReads()).toBe(0);
  });

  it('keeps an abort for the reader who asks later', async () => {
    const { stream, controller, settled, waiters, onEnd } = feed();
    const first = stream.next();
    await settled();
    waiters[0]!.resolve({ done: false, value: 1 });
    await first;
    const gone = new CancelledError();
    controller.abort(gone);
    expect(onEnd).toHaveBeenCalledOnce();
    await expect(stream.next()).rejects.toBe(gone);
    expect(await stream.next()).toMatchObject({ done: true });
  });

  it('left by its reader tells the engine by the signal, even while it waits for slots', async () => {
    for (const admitted of [true, false]) {
      const { stream, settled, call, onEnd } = feed();
      if (!admitted) vi.mocked(call.admit).mockReturnValue(new Promise(() => undefined));
      const first = stream.next();
      await settled();
      await stream.return!();
      expect(await first).toMatchObject({ done: true });
      expect(call.options.signal.reason).toBeInstanceOf(CancelledError);
      expect(onEnd).toHaveBeenCalledOnce();
    }
  });

  it('refuses a second reader', async () => {
    const { stream } = feed();
    void stream.next();
    await expect(stream.next()).rejects.toThrow('one event at a time');
  });
});
