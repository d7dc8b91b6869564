import type { Host } from '@xim/engine';
import { formatCpuList } from '../host/cpu-list.ts';
import { PlanRequestError } from '../errors.ts';

/** Values of the operator, which replace planned ones. */
export interface PlanRequest {
  /** XIM_THREADS; at most the logical CPUs of this process. */
  readonly threads?: number | undefined;
  /** XIM_SLOTS */
  readonly slots?: number | undefined;
  /** XIM_QUEUE; 0 = no call waits. */
  readonly queue?: number | undefined;
  /** XIM_KV_CACHE_BYTES */
  readonly kvCacheBytes?: number | undefined;
  /** XIM_STALL_SECONDS, in milliseconds. */
  readonly stallMs?: number | undefined;
}

const rules: Record<keyof PlanRequest, { env: string; least: number; expected: string; scale?: number }> = {
  threads: { env: 'XIM_THREADS', least: 1, expected: 'a whole number from 1' },
  slots: { env: 'XIM_SLOTS', least: 1, expected: 'a whole number from 1' },
  queue: { env: 'XIM_QUEUE', least: 0, expected: 'a whole number from 0' },
  kvCacheBytes: { env: 'XIM_KV_CACHE_BYTES', least: 1, expected: 'a whole number of bytes from 1' },
  stallMs: {
    env: 'XIM_STALL_SECONDS',
    least: 1,
    expected: 'seconds, at least 0.001, in whole milliseconds',
    scale: 1000,
  },
};

/** Throws `PlanRequestError` for the first value that cannot be honoured; the model does not matter. */
export function checkRequest(requested: PlanRequest, host: Host): void {
  for (const [key, { env, least, expected, scale = 1 }] of Object.entries(rules)) {
    const value = requested[key as keyof PlanRequest];
    if (value === undefined || (Number.isSafeInteger(value) && value >= least)) continue;
    throw new PlanRequestError(
      `${env}=${value / scale} is not possible: expected ${expected}. Leave it out for the plan.`,
    );
  }
  const cpus = host.cpus.length;
  if (requested.threads !== undefined && requested.threads > cpus) {
    throw new PlanRequestError(
      `XIM_THREADS=${requested.threads} is more than the CPUs that this process may use: ${cpus} (${formatCpuList(host.cpus.map((cpu) => cpu.id))}). ` +
        `Ask for ${cpus === 1 ? '1' : `1 to ${cpus}`}, or leave XIM_THREADS out.`,
    );
  }
}
