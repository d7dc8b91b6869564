import { describe, expect, test } from 'vitest';
import type { HostFiles } from './host-files.ts';
import { readBusySeconds, readPressure } from './pressure.ts';
import { readProcessSeconds } from './process-time.ts';
import { joulesBetween, readRapl } from './rapl.ts';
import { recordedFiles } from './recording.ts';

const filesOf = (files: Record<string, string>): HostFiles => recordedFiles({ format: 'xim-host', version: 1, files });
const V2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw';

describe('pressure', () => {
  test('throttling of cgroup v2: the group that was throttled most', () => {
    const files = filesOf({
      '/proc/self/cgroup': '0::/a/b',
      '/proc/self/mountinfo': V2,
      '/sys/fs/cgroup/a/cpu.stat': 'usage_usec 9\nnr_periods 100\nnr_throttled 40\nthrottled_usec 2500000',
      '/sys/fs/cgroup/a/b/cpu.stat': 'usage_usec 9\nnr_periods 50\nnr_throttled 3\nthrottled_usec 100000',
    });
    expect(readPressure(files)).toEqual({ throttling: { periods: 100, throttledPeriods: 40, throttledSeconds: 2.5 } });
  });

  test('throttling of cgroup v1 is in nanoseconds', () => {
    const files = filesOf({
      '/proc/self/cgroup': '3:cpu,cpuacct:/c1',
      '/proc/self/mountinfo': '33 32 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct',
      '/sys/fs/cgroup/cpu/c1/cpu.stat': 'nr_periods 10\nnr_throttled 2\nthrottled_time 1500000000',
    });
    expect(readPressure(files).throttling).toEqual({ periods: 10, throttledPeriods: 2, throttledSeconds: 1.5 });
  });

  test('no quota: no throttling', () => {
    const files = filesOf({
      '/proc/self/cgroup': '0::/',
      '/proc/self/mountinfo': V2,
      '/sys/fs/cgroup/cpu.stat': 'usage_usec 9\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0',
    });
    expect(readPressure(files)).toEqual({});
  });

  test('steal and swap of the machine', () => {
    const files = filesOf({
      '/proc/stat': 'cpu  1000 100 200 5000 300 10 20 400 50 0\ncpu0 1 1 1 1 1 1 1 1 1 1',
      '/proc/vmstat': 'nr_free_pages 1\npswpin 3\npswpout 7',
    });
    expect(readPressure(files)).toEqual({
      steal: { seconds: 4, ofSeconds: 70.3 },
      swap: { inBytes: 3 * 4096, outBytes: 7 * 4096 },
    });
    expect(readBusySeconds(files)).toBe(13.3);
  });

  test('this machine, where it shows them', () => {
    const { steal, swap } = readPressure();
    for (const value of [steal?.seconds, steal?.ofSeconds, swap?.inBytes]) expect(value).toBeGreaterThanOrEqual(0);
  });
});

describe('energy counters', () => {
  const zone = (name: string, uj: number) => ({ name, energy_uj: String(uj), max_energy_range_uj: '1000000000' });
  const counters = (zones: Record<string, Record<string, string>>): HostFiles =>
    filesOf(
      Object.fromEntries(
        Object.entries(zones).flatMap(([id, files]) =>
          Object.entries(files).map(([name, text]) => [`/sys/class/powercap/${id}/${name}`, text]),
        ),
      ),
    );

  test('are those of packages and memory; a core or a graphics unit is part of its package', () => {
    const files = counters({
      'intel-rapl': { enabled: '1' },
      'intel-rapl:0': zone('package-0', 5_000_000),
      'intel-rapl:0:0': zone('core', 1),
      'intel-rapl:0:1': zone('dram', 2_000_000),
      'intel-rapl:1': zone('package-1', 6_000_000),
      'intel-rapl:2': zone('psys', 99),
    });
    expect(readRapl(files).map(({ name, microjoules }) => [name, microjoules])).toEqual([
      ['intel-rapl:0 package-0', 5_000_000],
      ['intel-rapl:0:1 dram', 2_000_000],
      ['intel-rapl:1 package-1', 6_000_000],
    ]);
  });

  test('that may not be read are absent', () => {
    const { energy_uj: _hidden, ...visible } = zone('package-0', 0);
    expect(readRapl(counters({ 'intel-rapl:0': visible }))).toEqual([]);
    expect(readRapl(filesOf({}))).toEqual([]);
  });

  test('begin again at zero', () => {
    const at = (microjoules: number) => [{ name: 'a', microjoules, rangeMicrojoules: 1_000_000_000 }];
    expect(joulesBetween(at(3_000_000), at(5_000_000))).toBe(2);
    expect(joulesBetween(at(999_000_000), at(1_000_000))).toBe(2);
    expect(joulesBetween([], at(5))).toBe(0);
  });
});

test('the CPU time of a process is that of all its descendants, those that ended included', () => {
  const stat = (name: string, ...times: number[]): string =>
    `7 (${name}) S ${Array(10).fill(0).join(' ')} ${times.join(' ')} 20 0`;
  const files = filesOf({
    '/proc/7/stat': stat('a (b) c', 100, 50, 10, 5),
    '/proc/7/task/7/children': '8 ',
    '/proc/7/task/9/children': '10',
    '/proc/8/stat': stat('x', 200, 0, 0, 0),
    '/proc/10/stat': stat('y', 0, 35, 0, 0),
  });
  expect(readProcessSeconds(7, files)).toBe(4);
  expect(readProcessSeconds(11, files)).toBe(0);
  expect(readProcessSeconds(process.pid)).toBeGreaterThan(0);
});
