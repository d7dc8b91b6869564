import { describe, expect, test } from 'vitest';
import type { Host, Plan, Work } from '@xim/engine';
import { describedHost, type GENERATIONS } from '../__fixtures__/described-host.ts';
import { readHost, readHostFiles } from '../host/read-host.ts';
import { estimate, formatEstimate } from './estimate.ts';
import { measureHost } from './measure-host.ts';
import { operationsPerCycle } from './peak.ts';

const hostOf = (generation: keyof typeof GENERATIONS, cores = 2): Host =>
  readHostFiles(describedHost({ generation, cores, memoryGib: 16 }));
const planOf = (threads: number): Plan => ({
  threads,
  slots: 1,
  queue: 1,
  kvCacheBytes: 0,
  batchTokens: 1,
  stallMs: 1,
  reasons: [],
});
const work: Work = { bytes: 1e8, operations: 3e8, dtype: 'fp32', bandwidthShare: 0.5, peakShare: 0.25 };
const speed = { bytesPerSecond: 2e10, hertz: 3e9 };

describe('operations per cycle', () => {
  test.each([
    ['haswell', 'fp32', 32, 'avx2'],
    ['haswell', 'int8', 64, 'avx2'],
    ['skylake', 'fp32', 64, 'avx512f'],
    ['icelake', 'int8', 256, 'avx512_vnni'],
    ['icelake', 'bf16', 64, 'avx512f'],
    ['cooperlake', 'bf16', 128, 'avx512_bf16'],
    ['sapphire', 'bf16', 1024, 'amx_bf16'],
    ['sapphire', 'int8', 2048, 'amx_int8'],
    ['sierra', 'int8', 128, 'avx_vnni'],
    ['milan', 'fp32', 32, 'avx2'],
    ['genoa', 'fp32', 32, 'avx512f'],
    ['genoa', 'int8', 128, 'avx512_vnni'],
    ['turin', 'fp32', 64, 'avx512f'],
  ] as const)('%s in %s: %i by %s', (generation, dtype, perCycle, by) => {
    expect(operationsPerCycle(hostOf(generation), dtype)).toEqual({ perCycle, by });
  });

  test('without AVX2 there is no estimate', () => {
    expect(estimate('generate', work, hostOf('nehalem'), planOf(2), speed)).toBeUndefined();
  });
});

describe('an estimate', () => {
  // 1e8 / (2e10 × 0.5) = 10 ms; 3e8 / (2 × 3e9 × 32 × 0.25) = 6.25 ms.
  test('adds the time of memory and the time of arithmetic', () => {
    const of = estimate('generate', work, hostOf('milan'), planOf(2), speed)!;
    expect(of.value).toBeCloseTo(1 / 0.01625);
    expect(of.low).toBeCloseTo(of.value / 1.5);
    expect(of.high).toBeCloseTo(of.value * 1.5);
    expect(formatEstimate(of)).toBe('61.5 tokens/s (41 to 92.3)');
    expect(of.basis).toContain(
      'a token reads 100 MB at 50 % of the measured 20 GB/s and computes 300 MFLOP at 25 % of 192 GFLOP/s',
    );
    expect(of.basis).toContain('2 threads × 3.00 GHz measured × 32 per cycle by avx2');
    expect(of.basis).not.toContain('of one thread');
  });

  // 10 ms and 6.25 ms as above; 6e6 / 3e9 = 2 ms.
  test('adds the cycles in which one thread works alone, however many there are', () => {
    const of = estimate('generateImage', { ...work, serialCycles: 6e6 }, hostOf('milan'), planOf(2), speed)!;
    expect(of.value).toBeCloseTo(0.01825);
    expect(of.basis).toContain(', beside 2 ms of one thread');
  });

  test.each([
    ['transcribe', 'real-time factor'],
    ['speak', 'real-time factor'],
    ['generateImage', 's per picture'],
  ] as const)('of %s is seconds', (task, unit) => {
    expect(estimate(task, work, hostOf('milan'), planOf(2), speed)).toMatchObject({ unit, value: 0.01625 });
  });

  test('a quota and a limit of threads bound the peak', () => {
    const half = { ...hostOf('milan'), cpuQuota: 0.5 };
    expect(estimate('speak', work, half, planOf(1), speed)!.value).toBeCloseTo(0.01 + 0.025);
    const narrow = { ...work, threads: 1 };
    expect(estimate('speak', narrow, hostOf('milan', 64), planOf(62), speed)!.value).toBeCloseTo(0.01 + 0.0125);
  });
});

test('this host is measured: its clock and its memory lie within those of any x86-64', async () => {
  const measured = await measureHost({ ...readHost(), availableMemoryBytes: 2 ** 28 });
  expect(measured.hertz).toBeGreaterThan(1e8);
  expect(measured.hertz).toBeLessThan(1e10);
  expect(measured.bytesPerSecond).toBeGreaterThan(1e7);
  expect(measured.bytesPerSecond).toBeLessThan(1e14);
});
