import type { HostFiles } from '../host/host-files.ts';
import { formatCpuList, parseCpuList } from '../host/cpu-list.ts';
import { recordedFiles } from '../host/recording.ts';

const AVX2 = 'sse4_2 fma f16c avx avx2';
const AVX512 = `${AVX2} avx512f avx512dq avx512cd avx512bw avx512vl`;

/** Flags of /proc/cpuinfo by generation: Intel's Architecture Instruction Set Extensions reference, table 1-1; AMD's manuals. */
export const GENERATIONS = {
  haswell: ['GenuineIntel', 'Intel(R) Xeon(R) CPU E5-2680 v3', AVX2],
  skylake: ['GenuineIntel', 'Intel(R) Xeon(R) Gold 6148', AVX512],
  icelake: ['GenuineIntel', 'Intel(R) Xeon(R) Platinum 8380', `${AVX512} avx512_vnni`],
  cooperlake: ['GenuineIntel', 'Intel(R) Xeon(R) Platinum 8380H', `${AVX512} avx512_vnni avx512_bf16`],
  sapphire: [
    'GenuineIntel',
    'Intel(R) Xeon(R) Platinum 8480+',
    `${AVX512} avx_vnni avx512_vnni avx512_bf16 avx512_fp16 amx_tile amx_int8 amx_bf16`,
  ],
  granite: [
    'GenuineIntel',
    'Intel(R) Xeon(R) 6980P',
    `${AVX512} avx_vnni avx512_vnni avx512_bf16 avx512_fp16 amx_tile amx_int8 amx_bf16 amx_fp16`,
  ],
  sierra: ['GenuineIntel', 'Intel(R) Xeon(R) 6780E', `${AVX2} avx_vnni avx_vnni_int8 avx_ne_convert avx_ifma`],
  alder: ['GenuineIntel', '12th Gen Intel(R) Core(TM) i7-12700', `${AVX2} avx_vnni`],
  milan: ['AuthenticAMD', 'AMD EPYC 7763 64-Core Processor', AVX2],
  genoa: ['AuthenticAMD', 'AMD EPYC 9654 96-Core Processor', `${AVX512} avx512_vnni avx512_bf16`],
  turin: ['AuthenticAMD', 'AMD EPYC 9755 128-Core Processor', `${AVX512} avx_vnni avx512_vnni avx512_bf16`],
  nehalem: ['GenuineIntel', 'Intel(R) Xeon(R) CPU X5570', 'sse4_1 sse4_2'],
} as const;

export interface Description {
  readonly generation: keyof typeof GENERATIONS;
  readonly sockets?: number;
  /** Per socket. */
  readonly cores: number;
  readonly smt?: 1 | 2;
  /** NUMA nodes per socket: sub-NUMA clusters, or AMD's NPS. */
  readonly nodes?: number;
  /** Efficiency cores, one thread each, after all others. */
  readonly efficiency?: number;
  readonly memoryGib: number;
  readonly freeGib?: number;
  /** The affinity mask, in the kernel's list format. */
  readonly cpuset?: string;
  readonly mems?: string;
  readonly governor?: string;
  readonly transparent?: 'always' | 'madvise' | 'never';
  /** Lines of /proc/self/cgroup and /proc/self/mountinfo, and files below /sys/fs/cgroup. */
  readonly cgroup?: {
    readonly groups: string;
    readonly mounts: string;
    readonly files: Readonly<Record<string, string>>;
  };
}

/**
 * The files of a described host, laid out as the kernel does: CPUs numbered over all cores of all sockets, then over
 * their siblings (cputopology.rst); nodes in blocks of cores; distances 10, 12 within a socket, 21 between sockets.
 */
export function describedHost(d: Description): HostFiles {
  const { sockets = 1, cores, smt = 1, nodes = 1, efficiency = 0, memoryGib, freeGib = memoryGib } = d;
  const [vendor, model, flags] = GENERATIONS[d.generation];
  const files: Record<string, string> = {};
  const all = sockets * cores;
  const count = all * smt + efficiency;
  const ofNode = Array.from({ length: sockets * nodes }, () => [] as number[]);
  const list = (cpus: number[]): string => formatCpuList([...cpus].sort((a, b) => a - b));

  for (let id = 0; id < count; id++) {
    const folder = `/sys/devices/system/cpu/cpu${id}`;
    const core = id < all * smt ? id % all : undefined;
    const socket = core === undefined ? 0 : Math.floor(core / cores);
    const siblings = core === undefined ? [id] : Array.from({ length: smt }, (_, thread) => core + thread * all);
    files[`${folder}/topology/core_cpus_list`] = list(siblings);
    files[`${folder}/topology/physical_package_id`] = String(socket);
    if (d.governor !== undefined) files[`${folder}/cpufreq/scaling_governor`] = d.governor;
    const within = core === undefined ? 0 : Math.floor(((core % cores) * nodes) / cores);
    ofNode[socket * nodes + within]!.push(id);
  }
  if (efficiency > 0) {
    files['/sys/devices/cpu_core/cpus'] = `0-${all * smt - 1}`;
    files['/sys/devices/cpu_atom/cpus'] = `${all * smt}-${count - 1}`;
  }
  ofNode.forEach((cpus, node) => {
    const folder = `/sys/devices/system/node/node${node}`;
    const kib = Math.floor((memoryGib * 2 ** 20) / ofNode.length);
    const free = Math.floor((freeGib * 2 ** 20) / ofNode.length);
    const near = (other: number): number => (Math.floor(node / nodes) === Math.floor(other / nodes) ? 12 : 21);
    files[`${folder}/cpulist`] = list(cpus);
    files[`${folder}/distance`] = ofNode.map((_, other) => (other === node ? 10 : near(other))).join(' ');
    files[`${folder}/meminfo`] = `Node ${node} MemTotal:  ${kib} kB\nNode ${node} MemFree:  ${free} kB`;
  });
  files['/sys/devices/system/cpu/online'] = `0-${count - 1}`;
  if (d.transparent !== undefined) {
    const modes = ['always', 'madvise', 'never'].map((mode) => (mode === d.transparent ? `[${mode}]` : mode));
    files['/sys/kernel/mm/transparent_hugepage/enabled'] = modes.join(' ');
  }
  const ids = d.cpuset === undefined ? [...Array(count).keys()] : parseCpuList(d.cpuset);
  files['/proc/self/status'] =
    `Cpus_allowed_list:\t${list(ids)}\nMems_allowed_list:\t${d.mems ?? `0-${ofNode.length - 1}`}`;
  files['/proc/cpuinfo'] = [...Array(count).keys()]
    .map((id) =>
      [`processor\t: ${id}`, `vendor_id\t: ${vendor}`, `model name\t: ${model}`, `flags\t\t: ${flags}`, ''].join('\n'),
    )
    .join('\n');
  const kib = (gib: number): string => `${Math.floor(gib * 2 ** 20)} kB`;
  files['/proc/meminfo'] = `MemTotal:  ${kib(memoryGib)}\nMemFree:  ${kib(freeGib)}\nMemAvailable:  ${kib(freeGib)}`;
  files['/proc/self/cgroup'] = d.cgroup?.groups ?? '0::/';
  files['/proc/self/mountinfo'] = d.cgroup?.mounts ?? '';
  for (const [name, text] of Object.entries(d.cgroup?.files ?? {})) files[`/sys/fs/cgroup/${name}`] = text;
  return recordedFiles({ format: 'xim-host', version: 1, files });
}
