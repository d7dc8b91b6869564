import type { Log } from '@xim/engine';
import { type Pressure, readPressure } from '@xim/host-plan';
import fp from 'fastify-plugin';
import type { Registry } from 'prom-client';
import { addTotal } from '../calls/totals.ts';

/** Time between two looks at the counters. */
const INTERVAL_MS = 30_000;
/** A warning is not repeated before this time has passed. */
const REPEAT_MS = 600_000;
/** Parts of an interval above which a service is slower than its plan says. */
const MOST = { throttled: 0.05, stolen: 0.05 };
/** Bytes that come back from the swap space in an interval, above which weights or cache may be among them. */
const MOST_SWAPPED_IN = 2 ** 20;

export interface PressureWatch {
  /** The counters of now, and a sentence for each that grew too much in the last interval. For `/v1/metadata`. */
  report(): Pressure & { readonly warnings: readonly string[] };
  /** Looks at the counters once; the timer calls it. */
  look(): void;
}

/** Watches throttling, steal time and swapping: warns in the log where they grow, and counts them as metrics. */
export function createPressureWatch(
  registry: Registry,
  log: Log,
  read: () => Pressure = readPressure,
  now: () => number = () => performance.now(),
): PressureWatch {
  let last = read();
  let warnings: string[] = [];
  const warnedAt = new Map<string, number>();

  const add = (name: string, help: string, value: (pressure: Pressure) => number | undefined): void =>
    addTotal(registry, name, help, () => value(read()));
  add('xim_cpu_periods_total', 'Periods of the CPU quota in which the group ran', (now) => now.throttling?.periods);
  add(
    'xim_cpu_throttled_periods_total',
    'Periods in which the group used up its CPU quota and was stopped',
    (now) => now.throttling?.throttledPeriods,
  );
  add(
    'xim_cpu_throttled_seconds_total',
    'Seconds for which the quota stopped threads, summed over CPUs',
    (now) => now.throttling?.throttledSeconds,
  );
  add(
    'xim_host_steal_seconds_total',
    'Seconds of all CPUs of the machine that its hypervisor gave to others',
    (now) => now.steal?.seconds,
  );
  const swap = 'Bytes that the machine';
  add('xim_host_swapped_in_bytes_total', `${swap} read from its swap space`, (now) => now.swap?.inBytes);
  add('xim_host_swapped_out_bytes_total', `${swap} wrote to its swap space`, (now) => now.swap?.outBytes);

  return {
    report: () => ({ ...read(), warnings }),
    look() {
      const next = read();
      const found = findPressure(last, next);
      last = next;
      warnings = Object.values(found);
      for (const [kind, sentence] of Object.entries(found)) {
        if (now() - (warnedAt.get(kind) ?? -Infinity) < REPEAT_MS) continue;
        warnedAt.set(kind, now());
        log.warn({ pressure: kind }, sentence);
      }
    },
  };
}

/** A sentence, with the remedy, for each counter that grew too much between two readings. */
export function findPressure(before: Pressure, after: Pressure): Record<string, string> {
  const found: Record<string, string> = {};
  const percent = (part: number): string => `${(part * 100).toFixed(0)} %`;
  if (before.throttling && after.throttling) {
    const periods = after.throttling.periods - before.throttling.periods;
    const part = (after.throttling.throttledPeriods - before.throttling.throttledPeriods) / periods;
    if (periods > 0 && part > MOST.throttled) {
      found['throttling'] =
        `The CPU quota stopped this service in ${percent(part)} of its periods. Raise the quota, or set XIM_THREADS to fewer threads than it pays for.`;
    }
  }
  if (before.steal && after.steal) {
    const part = (after.steal.seconds - before.steal.seconds) / (after.steal.ofSeconds - before.steal.ofSeconds);
    if (part > MOST.stolen) {
      found['steal'] =
        `The hypervisor gave ${percent(part)} of the CPU time to other machines. Move this machine to a host with free CPUs, or to dedicated ones.`;
    }
  }
  if (before.swap && after.swap && after.swap.inBytes - before.swap.inBytes > MOST_SWAPPED_IN) {
    const mib = Math.round((after.swap.inBytes - before.swap.inBytes) / 2 ** 20);
    found['swap'] =
      `The machine read ${mib} MiB from its swap space. Give it more memory, or lower XIM_KV_CACHE_BYTES.`;
  }
  return found;
}

/** Looks at the counters until the server closes. */
export const pressureTimer = fp<{ watch: PressureWatch }>(
  async (app, { watch }) => {
    const timer = setInterval(() => watch.look(), INTERVAL_MS).unref();
    app.addHook('onClose', async () => clearInterval(timer));
  },
  { name: 'pressure-timer' },
);
