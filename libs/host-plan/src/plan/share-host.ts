import type { Host, HostCpu, MemoryNeeds, ModelEntry } from '@xim/engine';
import { formatBytes } from '../bytes.ts';
import { formatCpuList } from '../host/cpu-list.ts';
import { HostTooSmallError } from '../errors.ts';
import { leastMemory } from './plan-memory.ts';
import { fastCpus } from './plan-threads.ts';
import { sliceHost } from './slice.ts';

/** A service that is to run beside others. */
export interface Sharer {
  readonly name: string;
  readonly model: ModelEntry;
  readonly memory: MemoryNeeds;
  /** Its part of cores and spare memory, in relation to the parts of the others. */
  readonly weight: number;
}

export interface Share {
  readonly host: Host;
  /** One sentence: the share, and its reason. */
  readonly reason: string;
}

/**
 * Divides a host: a part for each service, in their order. Whole cores, each with its siblings, in runs that follow the
 * NUMA nodes; where there are fewer cores than services, all CPUs by time. Memory: the least of each, and the rest
 * to the services with a key-value cache.
 *
 * Throws `HostTooSmallError` where the services together do not fit.
 */
export function shareHost(host: Host, sharers: readonly Sharer[]): Share[] {
  const bytes = shareMemory(host, sharers);
  const cores = coresOf(host);
  const paid = Math.floor(Math.min(cores.length, host.cpuQuota ?? cores.length));
  const weights = sharers.map(({ weight }) => weight);
  const sum = weights.reduce((a, b) => a + b, 0);
  const counts = paid < sharers.length ? undefined : shareWhole(paid, weights);
  // A quota below the cores leaves all cores to the services, in the same proportions.
  const runs = counts && runsOf(cores, paid < cores.length ? shareWhole(cores.length, weights) : counts);
  return sharers.map(({ weight, model, memory }, at) => {
    const spare = bytes[at]! - leastMemory(model, memory);
    const of = `${weight} of ${sum} parts`;
    const held = `${formatBytes(bytes[at]!)}${spare > 0 ? `, ${formatBytes(spare)} above its least` : ', its least'}`;
    if (runs === undefined) {
      const time = (Math.max(0.01, host.cpuQuota ?? cores.length) * weight) / sum;
      const reason = `${of} of the time of ${cores.length} ${cores.length === 1 ? 'core' : 'cores'}, which are fewer than the services; ${held}`;
      return { host: { ...sliceHost(host, host.cpus, bytes[at]!), cpuQuota: time }, reason };
    }
    const cpus = runs[at]!.flat().sort((a, b) => a.id - b.id);
    const slice = sliceHost(host, cpus, bytes[at]!);
    const list = formatCpuList(cpus.map(({ id }) => id));
    const quota = host.cpuQuota === undefined ? undefined : (host.cpuQuota * weight) / sum;
    return {
      host: quota === undefined ? slice : { ...slice, cpuQuota: Math.min(quota, cpus.length) },
      reason: `${of}: ${runs[at]!.length} of ${cores.length} cores (CPUs ${list}); ${held}`,
    };
  });
}

function shareMemory(host: Host, sharers: readonly Sharer[]): number[] {
  const least = sharers.map(({ model, memory }) => leastMemory(model, memory));
  const sum = least.reduce((a, b) => a + b, 0);
  if (sum > host.availableMemoryBytes) {
    const list = sharers.map(({ name }, at) => `${name} ${formatBytes(least[at]!)}`).join(', ');
    throw new HostTooSmallError(
      `The services together need ${formatBytes(sum)} (${list}), but ${formatBytes(host.availableMemoryBytes)} are free here. ` +
        'Run fewer of them, take smaller models, or give them more memory.',
      sum,
      host.availableMemoryBytes,
    );
  }
  const growing = sharers.map(({ model, weight }) => (model.task === 'generate' ? weight : 0));
  const parts = growing.some((part) => part > 0) ? growing : sharers.map(({ weight }) => weight);
  const all = parts.reduce((a, b) => a + b, 0);
  return least.map((bytes, at) => bytes + Math.floor(((host.availableMemoryBytes - sum) * parts[at]!) / all));
}

/** The cores that compute, each as its CPUs, in the order of nodes. */
function coresOf(host: Host): HostCpu[][] {
  const cores = new Map<string, HostCpu[]>();
  for (const cpu of [...fastCpus(host)].sort((a, b) => a.node - b.node || a.id - b.id)) {
    const key = `${cpu.socket}/${cpu.core}`;
    cores.set(key, [...(cores.get(key) ?? []), cpu]);
  }
  return [...cores.values()];
}

/** Whole parts of `count` by weight, at least one each: the rest after rounding down goes to the largest remainders. */
function shareWhole(count: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((a, b) => a + b, 0);
  const left = count - weights.length;
  const exact = weights.map((weight) => (left * weight) / sum);
  const parts = exact.map((value) => 1 + Math.floor(value));
  const order = exact.map((value, at) => ({ at, rest: value % 1 })).sort((a, b) => b.rest - a.rest);
  const missing = count - parts.reduce((a, b) => a + b, 0);
  for (const { at } of order.slice(0, missing)) parts[at]! += 1;
  return parts;
}

function runsOf(cores: readonly HostCpu[][], counts: readonly number[]): HostCpu[][][] {
  let from = 0;
  return counts.map((count) => cores.slice(from, (from += count)));
}
