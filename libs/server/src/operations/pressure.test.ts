import type { Pressure } from '@xim/host-plan';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createPressureWatch, findPressure } from './pressure.ts';

const throttling = (periods: number, throttledPeriods: number, throttledSeconds = 0): Pressure => ({
  throttling: { periods, throttledPeriods, throttledSeconds },
});
const steal = (seconds: number, ofSeconds: number): Pressure => ({ steal: { seconds, ofSeconds } });
const swap = (mib: number): Pressure => ({ swap: { inBytes: mib * 2 ** 20, outBytes: 0 } });

describe('pressure that grew', () => {
  it.each([
    [
      'a fifth of the periods throttled',
      throttling(100, 10),
      throttling(200, 30),
      /stopped this service in 20 % .*Raise the quota/,
    ],
    ['a tenth of the time stolen', steal(1, 100), steal(2, 110), /gave 10 % of the CPU time to other machines/],
    ['memory back from swap', swap(10), swap(15), /read 5 MiB from its swap space. Give it more memory/],
  ])('%s is a sentence with a remedy', (_, before, after, sentence) => {
    expect(Object.values(findPressure(before, after))).toEqual([expect.stringMatching(sentence)]);
  });

  it.each([
    ['a long-standing count', throttling(100, 90), throttling(200, 91)],
    ['no period since', throttling(100, 90), throttling(100, 90)],
    ['little steal', steal(1, 100), steal(1.1, 110)],
    ['a page or two', swap(10), swap(10.5)],
    ['nothing to read', {}, {}],
  ])('%s is none', (_, before, after) => {
    expect(findPressure(before, after)).toEqual({});
  });
});

describe('the watch', () => {
  function watch(readings: Pressure[]) {
    const registry = new Registry();
    const warned: string[] = [];
    let at = 0;
    let time = 0;
    const log = { debug() {}, info() {}, error() {}, warn: (_: object, message: string) => void warned.push(message) };
    const made = createPressureWatch(
      registry,
      log,
      () => readings[at]!,
      () => time,
    );
    const look = (reading: number, milliseconds: number): void => {
      [at, time] = [reading, milliseconds];
      made.look();
    };
    return { registry, warned, look, report: made.report };
  }

  it('warns once in ten minutes, and reports for as long as it lasts', () => {
    const { warned, look, report } = watch([0, 20, 40, 60, 60].map((count, at) => throttling(100 * (at + 1), count)));
    look(1, 30_000);
    look(2, 60_000);
    expect([warned.length, report().warnings.length]).toEqual([1, 1]);
    look(3, 700_000);
    expect(warned.length).toBe(2);
    look(4, 730_000);
    expect([warned.length, report().warnings]).toEqual([2, []]);
    expect(report().throttling).toMatchObject({ throttledPeriods: 60 });
  });

  it('counts what can be read, and nothing else', async () => {
    const all = { ...throttling(10, 2, 1.5), ...steal(3, 100), ...swap(1) };
    const text = await watch([all]).registry.metrics();
    for (const line of [
      'xim_cpu_periods_total 10',
      'xim_cpu_throttled_periods_total 2',
      'xim_cpu_throttled_seconds_total 1.5',
      'xim_host_steal_seconds_total 3',
      'xim_host_swapped_in_bytes_total 1048576',
      'xim_host_swapped_out_bytes_total 0',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    const lines = (await watch([{}]).registry.metrics()).split('\n');
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
  });
});
