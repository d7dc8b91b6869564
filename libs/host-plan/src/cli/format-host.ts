import type { Host, HugePages } from '@xim/engine';
import { formatBytes } from '../bytes.ts';
import { formatCpuList } from '../host/cpu-list.ts';
import { formatTable } from './format-plan.ts';
import { decisiveIsa } from '../plan/host-lines.ts';
import { numaNodes } from '../plan/numa.ts';
import { countCores, fastCpus, round } from '../plan/plan-threads.ts';

/** The host for people, in aligned columns, no line break at the end. */
export function formatHost(host: Host): string {
  const cores = countCores(host.cpus);
  const sockets = new Set(host.cpus.map((cpu) => cpu.socket)).size;
  const nodes = numaNodes(host).length;
  const ids = formatCpuList(host.cpus.map((cpu) => cpu.id));
  const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
  const { nodes: near = [], hugePages, governor, container } = host;
  const kinds = host.cpus.some((cpu) => cpu.kind !== undefined)
    ? [
        [
          'kinds',
          `${countCores(fastCpus(host))} performance cores, ${cores - countCores(fastCpus(host))} efficiency cores`,
        ],
      ]
    : [];
  return formatTable([
    ['vendor', host.vendor],
    ['model', host.cpuModel],
    ['isa', decisiveIsa(host).join(' ') || 'no AVX2'],
    ['cpus', `${ids} (${counted(cores, 'core')}, ${counted(sockets, 'socket')}, ${counted(nodes, 'NUMA node')})`],
    ...kinds,
    ['smt', host.cpus.length > cores ? 'on' : 'off, or not in this cpuset'],
    ['quota', host.cpuQuota === undefined ? 'none' : `${round(host.cpuQuota)} CPUs`],
    ['memory', `${formatBytes(host.memoryBytes)}, ${formatBytes(host.availableMemoryBytes)} free`],
    ...near.map(({ id, memoryBytes, distances }) => [
      `node ${id}`,
      `${formatBytes(memoryBytes)}, distances ${distances.join(' ')}`,
    ]),
    ...(hugePages ? [['huge pages', formatHugePages(hugePages)]] : []),
    ...(governor === undefined ? [] : [['governor', governor]]),
    ['container', container ?? 'none'],
  ]);
}

function formatHugePages({ transparent, pools }: HugePages): string {
  const reserved = pools.filter(({ total }) => total > 0);
  const list = reserved.map(({ pageBytes, total, free }) => `${total} of ${formatBytes(pageBytes)} (${free} free)`);
  return [...(transparent === undefined ? [] : [`transparent ${transparent}`]), ...list].join(', ') || 'none';
}
