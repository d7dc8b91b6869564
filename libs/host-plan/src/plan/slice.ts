import type { Host, HostCpu } from '@xim/engine';

/**
 * A part of a host as a container with a cpuset and a memory limit sees it: `cpus`, `free` bytes of the free memory and
 * the same fraction of the memory in all, and the part of the quota that the CPUs are of all CPUs.
 */
export function sliceHost(host: Host, cpus: readonly HostCpu[], free: number): Host {
  const { cpuQuota, nodes, ...rest } = host;
  const used = new Set(cpus.map((cpu) => cpu.node));
  const near = nodes?.filter(({ id }) => used.has(id));
  const kept = near && near.some(({ memoryBytes }) => memoryBytes > 0) ? near : nodes;
  return {
    ...rest,
    cpus,
    memoryBytes: Math.floor((host.memoryBytes * free) / Math.max(1, host.availableMemoryBytes)),
    availableMemoryBytes: free,
    ...(cpuQuota !== undefined && { cpuQuota: Math.min(cpus.length, (cpuQuota * cpus.length) / host.cpus.length) }),
    ...(nodes && {
      nodes: kept!.map((node) => ({
        ...node,
        distances: kept!.map((other) => node.distances[nodes.indexOf(other)] ?? 20),
      })),
    }),
  };
}
