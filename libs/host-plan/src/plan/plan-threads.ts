import type { Host, HostCpu } from '@xim/engine';
import type { Decision } from './decision.ts';

/**
 * One thread per physical core: dense matrix work fills a core's vector and matrix units from one thread, so the SMT
 * sibling only adds a barrier. On a hybrid CPU one per performance core: a barrier waits for the slowest thread. More
 * threads than the quota pays for would all be stopped at once, in the middle of a step.
 */
export function planThreads(host: Host): Decision {
  const fast = fastCpus(host);
  const cores = countCores(fast);
  const slow = countCores(host.cpus) - cores;
  const paid = host.cpuQuota === undefined ? cores : Math.max(1, Math.floor(host.cpuQuota));
  const usable = Math.max(1, Math.min(cores, paid));
  const kept = shareOfHttp(usable);
  const kind = slow > 0 ? 'performance' : 'physical';
  const smt = fast.length > cores ? ` of ${fast.length} CPUs (a core's second CPU adds nothing here)` : '';
  const hybrid = slow > 0 ? ` (${slow} efficiency ${slow === 1 ? 'core' : 'cores'} would delay every step)` : '';
  const quota = usable < cores ? `, of which the quota of ${round(host.cpuQuota ?? 0)} CPUs pays for ${usable}` : '';
  const http = kept > 0 ? `, less ${kept} for the HTTP host` : '; the HTTP host needs a few percent of one';
  const reason = `${cores} ${kind} ${cores === 1 ? 'core' : 'cores'}${smt}${hybrid}${quota}${http}`;
  return { value: usable - kept, reason };
}

/** The CPUs of the cores that compute: those of performance cores where there are two kinds. */
export function fastCpus(host: Host): readonly HostCpu[] {
  const fast = host.cpus.filter((cpu) => cpu.kind !== 'efficiency');
  return fast.length > 0 ? fast : host.cpus;
}

/** Physical cores of these CPUs. */
export function countCores(cpus: readonly HostCpu[]): number {
  return new Set(cpus.map((cpu) => `${cpu.socket}/${cpu.core}`)).size;
}

/**
 * Cores that the engine leaves alone. The HTTP host needs 1-3 % of a core at the token rate of two cores, and its
 * need grows with that rate. Below 8 cores a whole core is too much for it: on two, two threads beat one by 1.7.
 */
function shareOfHttp(cores: number): number {
  if (cores < 8) return 0;
  return cores < 64 ? 1 : 2;
}

export function round(value: number): number {
  return Number(value.toFixed(2));
}
