import type { Host, Plan } from '@xim/engine';
import { formatCpuList } from './cpu-list.ts';

interface NumaNode {
  readonly node: number;
  /** Ids in the kernel's list format. */
  readonly cpus: string;
}

/** The nodes that this process's CPUs lie on, ascending. */
export function numaNodes(host: Host): NumaNode[] {
  const nodes = [...new Set(host.cpus.map((cpu) => cpu.node))].sort((a, b) => a - b);
  return nodes.map((node) => ({
    node,
    cpus: formatCpuList(host.cpus.filter((cpu) => cpu.node === node).map((cpu) => cpu.id)),
  }));
}

/** Nothing on one node. On several the plan takes all CPUs, and this line says what would be faster. */
export function numaReason(host: Host): Plan['reasons'][number] | undefined {
  const nodes = numaNodes(host);
  if (nodes.length < 2) return undefined;
  const list = nodes.map(({ node, cpus }) => `node ${node}: CPUs ${cpus}`).join('; ');
  return {
    key: 'numa',
    value: `${nodes.length} nodes`,
    reason: `threads reach across nodes for weights (${list}); one container per node, with a cpuset, is faster`,
  };
}

/** One command per node, for a host with several; empty otherwise. `IMAGE` stands for the service's image. */
export function numaCommands(host: Host): string[] {
  const nodes = numaNodes(host);
  if (nodes.length < 2) return [];
  return nodes.map(({ node, cpus }) => `docker run --cpuset-cpus=${cpus} --cpuset-mems=${node} IMAGE`);
}
