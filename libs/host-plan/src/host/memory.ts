import { freemem, totalmem } from 'node:os';
import { readMemoryLimit } from './cgroup.ts';
import { readAllowedNodes } from './nodes.ts';
import { valueOf } from './host-files.ts';
import type { HostFiles } from './host-files.ts';

/**
 * Bytes in all and bytes free now: physical memory, cut by the cgroup and by the NUMA nodes of the cpuset. The memory
 * that this process has allocated counts as free: it is a part of what a plan reserves for the programs of a service.
 * Without /proc/meminfo the system call answers.
 */
export function readMemory(files: HostFiles): { memoryBytes: number; availableMemoryBytes: number } {
  const lines = files.lines('/proc/meminfo');
  const bytes = (key: string): number | undefined => toBytes(valueOf(lines, key));
  const own = toBytes(valueOf(files.lines('/proc/self/status'), 'RssAnon')) ?? 0;
  const free = bytes('MemFree');
  // Kernels before 3.14 have no MemAvailable.
  const oldKernel = free === undefined ? undefined : free + (bytes('Cached') ?? 0) + (bytes('Buffers') ?? 0);
  const cgroup = readMemoryLimit(files);
  const near = readAllowedNodes(files);
  const memoryBytes = Math.min(bytes('MemTotal') ?? totalmem(), cgroup.limit ?? Infinity, near?.total ?? Infinity);
  const available = Math.min(
    bytes('MemAvailable') ?? oldKernel ?? freemem(),
    cgroup.free ?? Infinity,
    near?.free ?? Infinity,
  );
  return { memoryBytes, availableMemoryBytes: Math.min(available + own, memoryBytes) };
}

/** Bytes of a size as /proc writes it, `1234 kB` (proc(5)). */
function toBytes(text: string | undefined): number | undefined {
  const kib = /^(\d+) kB$/.exec(text ?? '')?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}
