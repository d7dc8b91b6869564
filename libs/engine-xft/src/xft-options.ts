import type { HostCpu } from '@xim/engine';

/** The profile's options. */
export interface XftOptions {
  /** dtype of the computation: `bf16`, `fp16`, `int8` …, or a pair such as `bf16_int8`. Default: by the host's flags. */
  readonly dtype?: string;
  /** dtype of keys and values: `fp16` (default) or `int8`; `bf16` for DeepSeek, which the library has with no other. */
  readonly kvDtype?: 'fp16' | 'int8' | 'bf16';
  /** dtype of the numbers in the files, as the conversion wrote them. Default: fp16. */
  readonly weights?: 'fp32' | 'fp16' | 'bf16' | 'fp8_e4m3';
  /** Tokens that each slot reserves: the longest that prompt and output may have together. Default: 8192, or the model's. */
  readonly contextLength?: number;
  /** Processes that share each matrix: 1 (default), or `numa`, one for each NUMA node. */
  readonly ranks?: 1 | 'numa';
  /** Written by `check`: the instruction set that the dtype uses on this host. */
  readonly isa?: string;
  /** Written by `check`, by rank; absent or empty for one rank, which is not bound. */
  readonly places?: readonly Place[];
}

/** Where a rank runs. */
export interface Place {
  /** NUMA node of its CPUs and of its memory. */
  readonly node: number;
  /** One logical CPU of each physical core, ascending. */
  readonly cpus: readonly number[];
}

/** Tokens that each slot reserves, unless the profile or the model gives a smaller number. */
export const DEFAULT_CONTEXT = 8192;

/**
 * A place for each rank: the CPUs of a NUMA node that this process may use, one logical CPU per core. Empty for one rank.
 * A string gives the reason why there are no places.
 */
export function toPlaces({ ranks = 1 }: XftOptions, cpus: readonly HostCpu[]): Place[] | string {
  if (ranks === 1) return [];
  const nodes = new Map<number, Map<string, number>>();
  for (const { id, core, socket, node } of cpus) {
    const cores = nodes.get(node) ?? new Map<string, number>();
    const name = `${socket}/${core}`;
    cores.set(name, Math.min(id, cores.get(name) ?? id));
    nodes.set(node, cores);
  }
  if (nodes.size < 2) return `a second NUMA node for the option ranks: "numa" (found: ${nodes.size})`;
  const byId = (a: number, b: number) => a - b;
  return [...nodes].sort(([a], [b]) => a - b).map(([node, cores]) => ({ node, cpus: [...cores.values()].sort(byId) }));
}
