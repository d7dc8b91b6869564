import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { formatBytes } from '../bytes.ts';
import { formatHost } from './format-host.ts';
import { formatPlan } from './format-plan.ts';
import { describedHost } from '../__fixtures__/described-host.ts';
import { readHost, readHostFiles } from '../host/read-host.ts';

test('a plan is a line per decision, in columns', () => {
  const reasons = [
    { key: 'threads', value: '2', reason: '2 physical cores' },
    { key: 'kvCacheBytes', value: '1.76 GiB', reason: 'half of it' },
  ];
  const plan = { threads: 2, slots: 1, queue: 16, kvCacheBytes: 1, batchTokens: 512, stallMs: 1, reasons };
  expect(formatPlan(plan)).toBe('threads       2         2 physical cores\nkvCacheBytes  1.76 GiB  half of it');
});

test('a host', () => {
  const root = fileURLToPath(new URL('../__fixtures__/container-v1', import.meta.url));
  expect(formatHost(readHost(root)).split('\n')).toEqual([
    'vendor     GenuineIntel',
    'model      Intel Xeon Processor (Skylake, IBRS, no TSX)',
    'isa        fma f16c avx2',
    'cpus       0,2 (2 cores, 1 socket, 1 NUMA node)',
    'smt        off, or not in this cpuset',
    'quota      1.5 CPUs',
    'memory     2 GiB, 1.71 GiB free',
    'container  docker',
  ]);
});

test('a host with nodes, huge pages and two kinds of cores', () => {
  const files = describedHost({
    ...{ generation: 'alder', cores: 8, smt: 2, efficiency: 4, memoryGib: 32 },
    ...{ governor: 'powersave', transparent: 'madvise' },
  });
  expect(formatHost(readHostFiles(files)).split('\n').slice(3)).toEqual([
    'cpus        0-19 (12 cores, 1 socket, 1 NUMA node)',
    'kinds       8 performance cores, 4 efficiency cores',
    'smt         on',
    'quota       none',
    'memory      32 GiB, 32 GiB free',
    'node 0      32 GiB, distances 10',
    'huge pages  transparent madvise',
    'governor    powersave',
    'container   none',
  ]);
});

test.each([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [1536, '1.5 KiB'],
  [98_362_432, '93.8 MiB'],
  [123 * 1024 ** 2, '123 MiB'],
  [1000 * 1024 ** 2, '1000 MiB'],
  [2 * 1024 ** 4, '2 TiB'],
  [5000 * 1024 ** 4, '5000 TiB'],
])('%i bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
