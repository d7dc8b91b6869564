import type { Host, HostCpu } from '@xim/engine';

/**
 * A part of a host as a container with a cpuset and a memory limit sees it: `cpus`, that fraction of the memory in all
 * and of the free memory, and the part of the quota that the CPUs are of all CPUs.
 */
export function sliceHost(host: Host, cpus: readonly HostCpu[], memory: number): Host {
  const { cpuQuota, nodes, ...rest } = host;
  const used = new Set(cpus.map((cpu) => cpu.node));
  const near = nodes?.filter(({ id }) => used.has(id));
  const kept = near && near.some(({ memoryBytes }) => memoryBytes > 0) ? near : nodes;
  return {
    ...rest,
    cpus,
    memoryBytes: Math.floor(host.memoryBytes * memory),
    availableMemoryBytes: Math.floor(host.availableMemoryBytes * memory),
    ...(cpuQuota !== undefined && { cpuQuota: Math.min(cpus.length, (cpuQuota * cpus.length) / host.cpus.length) }),
    ...(nodes && {
      nodes: kept!.map((node) => ({
        ...node,
        distances: kept!.map((other) => node.distances[nodes.indexOf(other)] ?? 20),
      })),
    }),
  };
}
