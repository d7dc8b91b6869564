import type { HostCpu, HostNode } from '@xim/engine';
import { parseCpuList } from './cpu-list.ts';
import { valueOf } from './host-files.ts';
import type { HostFiles } from './host-files.ts';

const FOLDER = '/sys/devices/system/node';

/** Ids of the machine's nodes, ascending: the order of the columns in each node's `distance`. */
function nodeIds(files: HostFiles): number[] {
  return files
    .names(FOLDER)
    .flatMap((name) => /^node(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** Nodes that the process may take memory from; all of them where its status does not say. */
function allowedIds(files: HostFiles, ids: readonly number[]): number[] {
  const allowed = parseCpuList(valueOf(files.lines('/proc/self/status'), 'Mems_allowed_list'));
  const usable = ids.filter((id) => allowed.includes(id));
  return usable.length > 0 ? usable : [...ids];
}

/** The nodes that hold one of `cpus`, or memory that the process may take; none where no node tells its memory. */
export function readNodes(files: HostFiles, cpus: readonly HostCpu[]): HostNode[] {
  const all = nodeIds(files);
  const allowed = allowedIds(files, all);
  const kept = all.filter((id) => allowed.includes(id) || cpus.some((cpu) => cpu.node === id));
  if (!kept.some((id) => bytesOf(files, id, 'MemTotal') !== undefined)) return [];
  return kept.map((id) => {
    const row = files.text(`${FOLDER}/node${id}/distance`)?.split(/\s+/).map(Number) ?? [];
    return {
      id,
      memoryBytes: allowed.includes(id) ? (bytesOf(files, id, 'MemTotal') ?? 0) : 0,
      distances: kept.map((other) => row[all.indexOf(other)] ?? (other === id ? 10 : 20)),
    };
  });
}

/**
 * Bytes in all and free on the nodes of a cpuset that leaves some of the machine's memory out; absent where it leaves
 * out none, or where the nodes do not tell. Page cache that was not used lately counts as free, as in a cgroup.
 */
export function readAllowedNodes(files: HostFiles): { total: number; free: number } | undefined {
  const all = nodeIds(files);
  const allowed = allowedIds(files, all);
  if (allowed.length === all.length) return undefined;
  let [total, free] = [0, 0];
  for (const id of allowed) {
    total += bytesOf(files, id, 'MemTotal') ?? 0;
    free += (bytesOf(files, id, 'MemFree') ?? 0) + (bytesOf(files, id, 'Inactive(file)') ?? 0);
  }
  return total > 0 ? { total, free } : undefined;
}

/** `Node 0 MemTotal:  9660628 kB` in a node's `meminfo`. */
function bytesOf(files: HostFiles, id: number, key: string): number | undefined {
  const lines = files.lines(`${FOLDER}/node${id}/meminfo`).map((line) => line.replace(/^Node \d+ /, ''));
  const kib = /^(\d+) kB$/.exec(valueOf(lines, key) ?? '')?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}
