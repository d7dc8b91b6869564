import type { Host, Work } from '@xim/engine';

/**
 * Operations per cycle and core, a multiply-add counted as two. Intel: two 512-bit FMA units, VNNI on both, AMX 2,048 in int8
 * and 1,024 in bf16 (Intel 64 and IA-32 Architectures Optimization Reference Manual, chapters 18 and 20). AMD: Zen 4 runs
 * 512-bit operations in two halves, Zen 5, which alone has AVX-VNNI beside AVX-512, in one (Software Optimization Guides 57647, 58455).
 */
const OPERATIONS: readonly {
  readonly set: string;
  readonly rates: Readonly<Partial<Record<Work['dtype'], number>>>;
}[] = [
  { set: 'amx_int8', rates: { int8: 2048 } },
  { set: 'amx_bf16', rates: { bf16: 1024 } },
  { set: 'avx512_vnni', rates: { int8: 256 } },
  { set: 'avx512_bf16', rates: { bf16: 128 } },
  { set: 'avx512f', rates: { fp32: 64, bf16: 64, int8: 64 } },
  { set: 'avx_vnni', rates: { int8: 128 } },
  { set: 'avx2', rates: { fp32: 32, bf16: 32, int8: 64 } },
];

export interface Rate {
  readonly perCycle: number;
  /** The instruction set that gives it. */
  readonly by: string;
}

/** Operations per cycle of one core; absent on a CPU without AVX2. */
export function operationsPerCycle(host: Host, dtype: Work['dtype']): Rate | undefined {
  const halved = host.vendor === 'AuthenticAMD' && !host.isa.includes('avx_vnni') ? 2 : 1;
  const found = OPERATIONS.find(({ set, rates }) => rates[dtype] !== undefined && host.isa.includes(set));
  if (found === undefined) return undefined;
  const perCycle = found.rates[dtype]! / (found.set.startsWith('avx512') ? halved : 1);
  return { perCycle, by: found.set };
}
