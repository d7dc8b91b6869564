import { expect, test } from 'vitest';
import type { HostFiles } from './host-files.ts';
import { readMemory } from './memory.ts';

function meminfo(...lines: string[]): HostFiles {
  const content = (path: string): string[] => (path === '/proc/meminfo' ? lines : []);
  return { text: () => undefined, lines: content, number: () => undefined, names: () => [] };
}

test.each([
  ['as the kernel says', ['MemTotal:  4000 kB', 'MemFree: 1 kB', 'MemAvailable: 3000 kB'], 4000, 3000],
  ['a kernel before 3.14', ['MemTotal: 4000 kB', 'MemFree: 900 kB', 'Buffers: 30 kB', 'Cached: 70 kB'], 4000, 1000],
  ['a container that shows its own total', ['MemTotal: 2000 kB', 'MemAvailable: 3000 kB'], 2000, 2000],
])('memory: %s', (_, lines, total, available) => {
  expect(readMemory(meminfo(...lines))).toEqual({ memoryBytes: total * 1024, availableMemoryBytes: available * 1024 });
});
