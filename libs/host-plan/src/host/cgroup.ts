import { cgroupFolders } from './cgroup-folders.ts';
import { valueOf } from './host-files.ts';
import type { HostFiles } from './host-files.ts';

/** CPU time limit in CPUs: the smallest of all ancestors; absent when there is none. */
export function readCpuQuota(files: HostFiles): number | undefined {
  return smallest(cgroupFolders(files, 'cpu').map((folder) => quotaOf(files, folder)));
}

/** `limit`: bytes that may be used in all; `free`: bytes that may still be taken. Absent when nothing limits. */
export function readMemoryLimit(files: HostFiles): { limit: number | undefined; free: number | undefined } {
  const limits = cgroupFolders(files, 'memory').map((folder) => memoryOf(files, folder));
  return { limit: smallest(limits.map((of) => of.limit)), free: smallest(limits.map((of) => of.free)) };
}

/** v2 `cpu.max` is `QUOTA PERIOD` or `max PERIOD`; v1 `cpu.cfs_quota_us` is -1 without a limit. Microseconds. */
function quotaOf(files: HostFiles, folder: string): number | undefined {
  const [max, period] = files.text(`${folder}/cpu.max`)?.split(/\s+/) ?? [];
  const quotaUs = max === undefined ? files.number(`${folder}/cpu.cfs_quota_us`) : toNumber(max);
  const periodUs = max === undefined ? files.number(`${folder}/cpu.cfs_period_us`) : toNumber(period);
  return quotaUs && periodUs ? quotaUs / periodUs : undefined;
}

/**
 * v2: `memory.high` counts as a limit too, since a group above it is throttled to a crawl. v1: "no limit" is a number
 * of about 2^63, which the caller's minimum with physical memory removes; `hierarchical_memory_limit` also knows the
 * ancestors that a container cannot see. Page cache that was not used lately (`inactive_file`) is free for the asking.
 */
function memoryOf(files: HostFiles, folder: string): { limit: number | undefined; free: number | undefined } {
  const stat = files.lines(`${folder}/memory.stat`);
  const limit = smallest([
    files.number(`${folder}/memory.max`),
    files.number(`${folder}/memory.high`),
    files.number(`${folder}/memory.limit_in_bytes`),
    toNumber(valueOf(stat, 'hierarchical_memory_limit')),
  ]);
  const used = files.number(`${folder}/memory.current`) ?? files.number(`${folder}/memory.usage_in_bytes`);
  if (limit === undefined || used === undefined) return { limit, free: limit };
  const cache = toNumber(valueOf(stat, 'total_inactive_file')) ?? toNumber(valueOf(stat, 'inactive_file')) ?? 0;
  return { limit, free: Math.max(0, limit - Math.max(0, used - cache)) };
}

function toNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function smallest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}
