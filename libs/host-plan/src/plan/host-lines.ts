import type { Host, MemoryNeeds, Plan } from '@xim/engine';
import { formatCpuList } from '../host/cpu-list.ts';
import { numaNodes } from './numa.ts';
import { fastCpus } from './plan-threads.ts';

type Line = Plan['reasons'][number];

/** Instruction sets that decide which engine and which dtype a host can run, by the names of /proc/cpuinfo. */
const DECISIVE =
  /^(avx2|fma|f16c|avx_vnni(_int8)?|avx_(ne_convert|ifma)|avx512(f|_(vnni|bf16|fp16))|amx_\w+|avx10_\d)$/;

/** The instruction sets of the kernels of each dtype, the widest first. */
const KERNELS: readonly (readonly [dtype: string, sets: readonly string[]])[] = [
  ['int8', ['amx_int8', 'avx512_vnni', 'avx_vnni']],
  ['bf16', ['amx_bf16', 'avx512_bf16']],
  ['fp16', ['amx_fp16', 'avx512_fp16']],
  ['fp32', ['avx512f', 'avx2']],
];

export function decisiveIsa(host: Host): string[] {
  return host.isa.filter((flag) => DECISIVE.test(flag));
}

/** Where the threads run. */
export function cpusLine(host: Host): Line {
  const fast = fastCpus(host);
  if (fast.length < host.cpus.length) {
    const list = formatCpuList(fast.map(({ id }) => id));
    return {
      key: 'cpus',
      value: 'not pinned',
      reason: `performance and efficiency cores: "taskset -c ${list}" or --cpuset-cpus=${list} keeps to the fast cores`,
    };
  }
  return { key: 'cpus', value: 'not pinned', reason: 'the kernel places threads best while services share a host' };
}

/** Lines about the host that a user can act on; a host without such properties has only the first. */
export function hostLines(host: Host, needs: MemoryNeeds): Line[] {
  return [isaLine(host), numaLine(host), governorLine(host), hugePagesLine(host, needs)].filter(
    (line) => line !== undefined,
  );
}

function isaLine(host: Host): Line {
  const found = KERNELS.flatMap(([dtype, sets]) => {
    const best = sets.find((set) => host.isa.includes(set));
    return best === undefined ? [] : [{ dtype, best }];
  });
  if (found.length === 0) return { key: 'isa', value: 'no AVX2', reason: 'no engine computes on such a CPU' };
  const reason = `${found.map(({ dtype, best }) => `${dtype} by ${best}`).join(', ')}; the engine reports its choice`;
  return { key: 'isa', value: found[0]!.best, reason };
}

/**
 * On several nodes the plan takes all CPUs, and this line gives the faster way. On one node, memory of others may still
 * be taken.
 */
function numaLine(host: Host): Line | undefined {
  const nodes = numaNodes(host);
  if (nodes.length < 2) {
    const far = host.nodes?.filter(({ id, memoryBytes }) => id !== nodes[0]?.node && memoryBytes > 0) ?? [];
    if (far.length === 0) return undefined;
    const reason = `memory of ${far.map(({ id }) => `node ${id}`).join(', ')} may be taken too and is slower; --cpuset-mems=${nodes[0]?.node} keeps to the near one`;
    return { key: 'numa', value: `node ${nodes[0]?.node}`, reason };
  }
  const list = nodes.map(({ node, cpus }) => `node ${node}: CPUs ${cpus}`).join('; ');
  const farthest = Math.max(...(host.nodes ?? []).flatMap(({ distances }) => distances));
  const distance = farthest > 10 ? `, up to ${farthest / 10} times as far` : '';
  const reason = `threads reach across nodes for weights${distance} (${list}); one container per node, with a cpuset, is faster`;
  return { key: 'numa', value: `${nodes.length} nodes`, reason };
}

/** `powersave` of a driver without hardware states keeps the lowest frequency; `schedutil` and `ondemand` climb late. */
function governorLine({ governor }: Host): Line | undefined {
  if (governor === undefined || governor === 'performance') return undefined;
  const reason =
    'short steps may end before the frequency has risen; "cpupower frequency-set -g performance" avoids it';
  return { key: 'governor', value: governor, reason };
}

/** Large weights cross many pages: with 4 KiB pages the translations do not fit into the CPU's caches. */
function hugePagesLine({ hugePages }: Host, { weightBytes }: MemoryNeeds): Line | undefined {
  if (hugePages?.transparent !== 'never' || weightBytes < 2 ** 30) return undefined;
  const reason =
    'weights above 1 GiB in pages of 4 KiB; "always" in /sys/kernel/mm/transparent_hugepage/enabled gives pages of 2 MiB';
  return { key: 'hugePages', value: 'never', reason };
}
