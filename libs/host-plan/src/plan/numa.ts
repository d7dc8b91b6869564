import type { Host } from '@xim/engine';
import { MIB } from '../bytes.ts';
import { formatCpuList } from '../host/cpu-list.ts';
import { sliceHost } from './slice.ts';

export interface NumaNode {
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

/** One share of the host per node that has CPUs: its CPUs, its memory, its part of the quota. */
export function hostsOfNodes(host: Host): Host[] {
  return numaNodes(host).map(({ node }) => {
    const cpus = host.cpus.filter((cpu) => cpu.node === node);
    const near = host.nodes?.find(({ id }) => id === node)?.memoryBytes;
    const all = host.nodes?.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0) ?? 0;
    const part = near === undefined || all === 0 ? cpus.length / host.cpus.length : near / all;
    return sliceHost(host, cpus, Math.floor(host.availableMemoryBytes * part));
  });
}

/** The command that runs `image` on a share of a host, with a port of its own. */
export function containerCommand(share: Host, image: string, port: number): string {
  const nodes = numaNodes(share);
  const near = (share.nodes ?? []).filter(({ memoryBytes }) => memoryBytes > 0).map(({ id }) => id);
  const mems = near.length > 0 ? near : nodes.map(({ node }) => node);
  return [
    'docker run',
    `--cpuset-cpus=${formatCpuList(share.cpus.map(({ id }) => id))}`,
    `--cpuset-mems=${formatCpuList(mems)}`,
    ...(share.cpuQuota === undefined ? [] : [`--cpus=${Number(share.cpuQuota.toFixed(2))}`]),
    `-m ${Math.floor(share.memoryBytes / MIB)}m`,
    `-p ${port}:8000`,
    image,
  ].join(' ');
}

/** One command per node, for a host with several; empty otherwise. */
export function numaCommands(host: Host, image = 'IMAGE'): string[] {
  const shares = hostsOfNodes(host);
  if (shares.length < 2) return [];
  return shares.map((share, at) => containerCommand(share, image, 8000 + at));
}
