import { EventEmitter } from 'node:events';
import { DeadlineError, type Engine } from '@xim/engine';
import type { FastifyRequest } from 'fastify';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createAdmission } from './admission.ts';
import { createCall } from './call.ts';
import { createMetrics } from './metrics.ts';

afterEach(() => vi.useRealTimers());

function open(headers: Record<string, string> = {}) {
  const socket = new EventEmitter();
  const stats = { arrived: performance.now(), queueMs: 0 };
  const request = { id: 'x', caller: '', headers, stats, raw: { socket } } as unknown as FastifyRequest;
  const admission = createAdmission({ slots: 1, queue: 1 });
  const metrics = createMetrics({ service: 's', task: 't', engine: 'e', model: 'm' }, admission);
  const call = createCall(request, 1, {
    admission,
    metrics,
    requestTimeoutMs: 60_000,
    assertAccepting: () => undefined,
    engine: () => ({}) as Engine,
  });
  return { call, socket, admission };
}

describe('an open call', () => {
  it('leaves no timer, no listener and no slot behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { call, socket, admission } = open();
    await call.admit();
    expect([vi.getTimerCount(), admission.running]).toEqual([1, 1]);
    call.end();
    call.end();
    expect([vi.getTimerCount(), admission.running]).toEqual([0, 0]);
    socket.emit('close');
    expect(call.options.signal.aborted).toBe(false);
  });

  it('that is over gives no engine to who asks again', async () => {
    const { call } = open();
    await call.admit();
    expect(await call.admit()).toEqual({});
    call.end();
    await expect(call.admit()).rejects.toThrow('The call is over');
  });

  it('may hold its deadline and count it from a later time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { call } = open();
    call.holdDeadline();
    vi.advanceTimersByTime(1_000_000);
    expect(call.options.signal.aborted).toBe(false);
    call.restartDeadline();
    vi.advanceTimersByTime(59_000);
    expect(call.options.signal.aborted).toBe(false);
    vi.advanceTimersByTime(2_000);
    expect(call.options.signal.reason).toMatchObject({ code: 'XIM_DEADLINE' });
    call.end();
    call.restartDeadline();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('has the deadline of the service, or the earlier one that the client asks for', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const seconds = (headers?: Record<string, string>): number => {
      const { call } = open(headers);
      const { signal } = call.options;
      let passed = 0;
      for (; !signal.aborted && passed < 1000; passed++) vi.advanceTimersByTime(1000);
      expect(DeadlineError.isInstance(signal.reason)).toBe(true);
      call.end();
      return passed;
    };
    expect(seconds()).toBe(60);
    expect(seconds({ 'x-request-timeout': '5' })).toBe(5);
    expect(seconds({ 'x-request-timeout': '500' })).toBe(60);
    for (const wrong of ['0', '-1', 'NaN', ''])
      expect(() => seconds({ 'x-request-timeout': wrong })).toThrow('above 0');
  });
});
