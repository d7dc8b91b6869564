import type { Host, Plan, Task, Work } from '@xim/engine';
import type { HostSpeed } from '../host/recording.ts';
import { operationsPerCycle } from './peak.ts';

/** How fast one call is, with nothing else running. */
export interface Estimate {
  /** `tokens/s`, `texts/s`, `real-time factor`, `s per picture`. */
  readonly unit: string;
  readonly value: number;
  /** The bounds between which the measured value is expected. */
  readonly low: number;
  readonly high: number;
  /** The numbers that it follows from. */
  readonly basis: string;
}

/** Both ways: the shares of the peaks differ between kernels, and other hosts differ from those that were measured. */
const FACTOR = 1.5;

/** Rates count units per second; the others count seconds per unit. */
const UNITS: Readonly<Record<Task, { readonly unit: string; readonly each: string; readonly isRate: boolean }>> = {
  generate: { unit: 'tokens/s', each: 'token', isRate: true },
  embed: { unit: 'texts/s', each: 'text of 55 tokens', isRate: true },
  rerank: { unit: 'documents/s', each: 'document of 55 tokens', isRate: true },
  transcribe: { unit: 'real-time factor', each: 'second of audio', isRate: false },
  speak: { unit: 'real-time factor', each: 'second of audio', isRate: false },
  generateImage: { unit: 's per picture', each: 'picture', isRate: false },
};

/** A pure function of its arguments; absent on a CPU without AVX2. */
export function estimate(task: Task, work: Work, host: Host, plan: Plan, speed: HostSpeed): Estimate | undefined {
  const rate = operationsPerCycle(host, work.dtype);
  if (rate === undefined) return undefined;
  const threads = Math.min(plan.threads, host.cpuQuota ?? plan.threads, work.threads ?? Infinity);
  const peak = threads * speed.hertz * rate.perCycle;
  const serial = (work.serialCycles ?? 0) / speed.hertz;
  const seconds =
    work.bytes / (speed.bytesPerSecond * work.bandwidthShare) + work.operations / (peak * work.peakShare) + serial;
  const { unit, each, isRate } = UNITS[task];
  const value = isRate ? 1 / seconds : seconds;
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  const basis =
    `a ${each} reads ${scaled(work.bytes)}B at ${percent(work.bandwidthShare)} of the measured ${scaled(speed.bytesPerSecond)}B/s and computes ` +
    `${scaled(work.operations)}FLOP at ${percent(work.peakShare)} of ${scaled(peak)}FLOP/s ` +
    `(${Number(threads.toFixed(2))} threads × ${(speed.hertz / 1e9).toFixed(2)} GHz measured × ${rate.perCycle} per cycle by ${rate.by})` +
    (serial > 0 ? `, beside ${Number((serial * 1000).toPrecision(3))} ms of one thread` : '');
  return { unit, value, low: value / FACTOR, high: value * FACTOR, basis };
}

/** `41.3 tokens/s (27.5 to 61.9)`. */
export function formatEstimate({ unit, value, low, high }: Estimate): string {
  const short = (number: number): string => String(Number(number.toPrecision(number >= 1000 ? 4 : 3)));
  return `${short(value)} ${unit} (${short(low)} to ${short(high)})`;
}

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P'];

/** Three digits and a decimal prefix, such as `98.4 M`. */
function scaled(value: number): string {
  const step = Math.min(PREFIXES.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  return `${Number((value / 1000 ** step).toPrecision(3))} ${PREFIXES[step]}`;
}
