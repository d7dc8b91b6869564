import { expect, test } from 'vitest';
import type { HostFiles } from './host-files.ts';
import { readMemory } from './memory.ts';

function meminfo(lines: readonly string[], status: readonly string[] = []): HostFiles {
  const found: Readonly<Record<string, readonly string[]>> = { '/proc/meminfo': lines, '/proc/self/status': status };
  const content = (path: string): string[] => [...(found[path] ?? [])];
  return { text: () => undefined, lines: content, number: () => undefined, names: () => [] };
}

test.each([
  ['as the kernel says', ['MemTotal:  4000 kB', 'MemFree: 1 kB', 'MemAvailable: 3000 kB'], 4000, 3000],
  ['a kernel before 3.14', ['MemTotal: 4000 kB', 'MemFree: 900 kB', 'Buffers: 30 kB', 'Cached: 70 kB'], 4000, 1000],
  ['a container that shows its own total', ['MemTotal: 2000 kB', 'MemAvailable: 3000 kB'], 2000, 2000],
])('memory: %s', (_, lines, total, available) => {
  expect(readMemory(meminfo(lines))).toEqual({ memoryBytes: total * 1024, availableMemoryBytes: available * 1024 });
});

test('the memory of this process counts as free, up to all there is', () => {
  const lines = ['MemTotal: 4000 kB', 'MemAvailable: 3000 kB'];
  const free = (own: string) => readMemory(meminfo(lines, ['VmRSS: 900 kB', `RssAnon: ${own}`])).availableMemoryBytes;
  expect(free('200 kB')).toBe(3200 * 1024);
  expect(free('2000 kB')).toBe(4000 * 1024);
});
