import { cgroupFolders } from './cgroup-folders.ts';
import { type HostFiles, hostFiles, valueOf } from './host-files.ts';

/** Counters of time and memory that others took from this process, since the start of its cgroup or of the machine. */
export interface Pressure {
  /** Of the cgroup with the most throttled periods, among that of the process and its ancestors; absent without a quota. */
  readonly throttling?: {
    /** Enforcement periods in which the group ran. */
    readonly periods: number;
    /** Periods in which it used up its quota. */
    readonly throttledPeriods: number;
    /** Seconds for which its threads were stopped, summed over CPUs. */
    readonly throttledSeconds: number;
  };
  /** Seconds of all CPUs that the hypervisor gave to others, and those of all CPUs in all; absent where the kernel shows none. */
  readonly steal?: { readonly seconds: number; readonly ofSeconds: number };
  /** Bytes that the machine read from and wrote to its swap space. */
  readonly swap?: { readonly inBytes: number; readonly outBytes: number };
}

/** Clock ticks per second of /proc/stat, USER_HZ: 100 on x86-64 (proc(5)). */
const TICKS = 100;
const PAGE = 4096;

export function readPressure(files: HostFiles = hostFiles('/')): Pressure {
  const throttling = readThrottling(files);
  const steal = readSteal(files);
  const swap = readSwap(files);
  return { ...(throttling && { throttling }), ...(steal && { steal }), ...(swap && { swap }) };
}

/** v2 counts `throttled_usec`, v1 `throttled_time` in nanoseconds (cgroup-v2.rst, sched-bwc.rst). */
function readThrottling(files: HostFiles): Pressure['throttling'] {
  const groups = cgroupFolders(files, 'cpu').flatMap((folder) => {
    const lines = files.lines(`${folder}/cpu.stat`);
    const count = (key: string): number => Number(valueOf(lines, key) ?? Number.NaN);
    const [periods, throttledPeriods] = [count('nr_periods'), count('nr_throttled')];
    const micro = count('throttled_usec');
    const seconds = Number.isNaN(micro) ? count('throttled_time') / 1e9 : micro / 1e6;
    return periods > 0 ? [{ periods, throttledPeriods, throttledSeconds: seconds || 0 }] : [];
  });
  return groups.sort((a, b) => b.throttledPeriods - a.throttledPeriods)[0];
}

/** `cpu  user nice system idle iowait irq softirq steal guest guest_nice`; guest times are part of user and nice. */
function readSteal(files: HostFiles): Pressure['steal'] {
  const fields = cpuTicks(files);
  const steal = fields?.[7];
  if (fields === undefined || steal === undefined) return undefined;
  return { seconds: steal / TICKS, ofSeconds: sum(fields.slice(0, 8)) / TICKS };
}

function readSwap(files: HostFiles): Pressure['swap'] {
  const lines = files.lines('/proc/vmstat');
  const [pagesIn, pagesOut] = [valueOf(lines, 'pswpin'), valueOf(lines, 'pswpout')];
  if (pagesIn === undefined || pagesOut === undefined) return undefined;
  return { inBytes: Number(pagesIn) * PAGE, outBytes: Number(pagesOut) * PAGE };
}

/** Seconds in which the machine's CPUs computed: neither idle nor waiting for a disk, nor stolen. */
export function readBusySeconds(files: HostFiles = hostFiles('/')): number | undefined {
  const fields = cpuTicks(files);
  if (fields === undefined) return undefined;
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = fields;
  return (user + nice + system + irq + softirq) / TICKS;
}

function cpuTicks(files: HostFiles): number[] | undefined {
  return valueOf(files.lines('/proc/stat'), 'cpu')?.trim().split(/\s+/).map(Number);
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
