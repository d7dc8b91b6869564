import type { Host } from '@xim/engine';
import { formatBytes } from '../bytes.ts';
import { formatCpuList } from '../host/cpu-list.ts';
import { formatTable } from './format-plan.ts';
import { numaNodes } from '../host/numa.ts';
import { round } from '../plan/plan-threads.ts';

/** Instruction sets that decide which engine and which dtype a host can run. */
const decisive = /^(avx2|fma|f16c|avx512f|avx512_(vnni|bf16|fp16)|avx_vnni|amx_\w+)$/;

/** The host for people, in aligned columns, no line break at the end. */
export function formatHost(host: Host): string {
  const cores = new Set(host.cpus.map((cpu) => `${cpu.socket}/${cpu.core}`)).size;
  const sockets = new Set(host.cpus.map((cpu) => cpu.socket)).size;
  const nodes = numaNodes(host).length;
  const ids = formatCpuList(host.cpus.map((cpu) => cpu.id));
  const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
  return formatTable([
    ['vendor', host.vendor],
    ['model', host.cpuModel],
    ['isa', host.isa.filter((flag) => decisive.test(flag)).join(' ') || 'no AVX2'],
    ['cpus', `${ids} (${counted(cores, 'core')}, ${counted(sockets, 'socket')}, ${counted(nodes, 'NUMA node')})`],
    ['quota', host.cpuQuota === undefined ? 'none' : `${round(host.cpuQuota)} CPUs`],
    ['memory', `${formatBytes(host.memoryBytes)}, ${formatBytes(host.availableMemoryBytes)} free`],
  ]);
}
