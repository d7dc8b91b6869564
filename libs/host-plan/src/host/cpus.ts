import type { HostCpu } from '@xim/engine';
import { parseCpuList } from './cpu-list.ts';
import { valueOf } from './host-files.ts';
import type { HostFiles } from './host-files.ts';

/** The logical CPUs that this process may run on, with their place in the machine. `listed` = ids of /proc/cpuinfo. */
export function readCpus(files: HostFiles, listed: readonly number[]): HostCpu[] {
  const nodes = nodeOfCpu(files);
  const kinds = kindOfCpu(files);
  return usableIds(files, listed).map((id) => {
    const topology = `/sys/devices/system/cpu/cpu${id}/topology`;
    // The kernel's core_id repeats between the dies of a socket; the list of a core's CPUs does not.
    const siblings = files.text(`${topology}/core_cpus_list`) ?? files.text(`${topology}/thread_siblings_list`);
    return {
      id,
      core: parseCpuList(siblings)[0] ?? id,
      socket: files.number(`${topology}/physical_package_id`) ?? 0,
      node: nodes.get(id) ?? 0,
      ...(kinds.has(id) && { kind: kinds.get(id) }),
    };
  });
}

function usableIds(files: HostFiles, listed: readonly number[]): number[] {
  const online = parseCpuList(files.text('/sys/devices/system/cpu/online'));
  const existing = online.length > 0 ? online : listed;
  const allowed = parseCpuList(valueOf(files.lines('/proc/self/status'), 'Cpus_allowed_list'));
  // The mask may name CPUs that could be plugged in and are not there: a virtual machine with 2 of 6 shows 0-5.
  const usable = existing.length > 0 ? allowed.filter((id) => existing.includes(id)) : allowed;
  const ids = [usable, existing, [0]].find((list) => list.length > 0) ?? [];
  return [...ids].sort((a, b) => a - b);
}

function nodeOfCpu(files: HostFiles): Map<number, number> {
  const nodes = new Map<number, number>();
  for (const name of files.names('/sys/devices/system/node')) {
    const match = /^node(\d+)$/.exec(name);
    if (!match) continue;
    for (const cpu of parseCpuList(files.text(`/sys/devices/system/node/${name}/cpulist`))) {
      nodes.set(cpu, Number(match[1]));
    }
  }
  return nodes;
}

/** Intel hybrid CPUs have a performance counter unit per kind of core, each with a list of its CPUs. */
function kindOfCpu(files: HostFiles): Map<number, HostCpu['kind']> {
  const kinds = new Map<number, HostCpu['kind']>();
  for (const id of parseCpuList(files.text('/sys/devices/cpu_core/cpus'))) kinds.set(id, 'performance');
  for (const id of parseCpuList(files.text('/sys/devices/cpu_atom/cpus'))) kinds.set(id, 'efficiency');
  return kinds;
}
