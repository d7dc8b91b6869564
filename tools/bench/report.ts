import { cpus, loadavg, totalmem } from 'node:os';
import { exactly, type Interval, quantile } from './statistics.ts';

/** One figure of a benchmark, and its limit. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly value: Interval;
  /** `>= 0.95`: missed only when the whole interval lies on the wrong side. */
  readonly target?: { readonly at: 'least' | 'most'; readonly value: number } | undefined;
}

export interface Report {
  readonly benchmark: string;
  readonly machine: { readonly cpu: string; readonly cpus: number; readonly memoryGiB: number; readonly node: string };
  readonly load: { readonly before: number; readonly after: number };
  readonly settings: Readonly<Record<string, unknown>>;
  readonly figures: readonly Figure[];
}

export function machine(): Report['machine'] {
  const all = cpus();
  return {
    cpu: all[0]?.model ?? 'unknown',
    cpus: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
}

export const load = (): number => Math.round((loadavg()[0] ?? 0) * 100) / 100;

export function isMissed({ value, target }: Figure): boolean {
  if (target === undefined) return false;
  return target.at === 'least' ? value.high < target.value : value.low > target.value;
}

/** Median and 99th percentile of the same values, as two figures without a target. */
export function latency(name: string, seconds: readonly number[]): Figure[] {
  const at = (q: number): Interval => exactly(quantile(seconds, q) * 1000);
  return [
    { name: `${name}, median`, unit: 'ms', value: at(0.5) },
    { name: `${name}, p99`, unit: 'ms', value: at(0.99) },
  ];
}

export function formatReport(report: Report): string {
  const { cpu, cpus: count, memoryGiB, node } = report.machine;
  const lines = [
    `${report.benchmark}: ${count} CPUs of ${cpu}, ${memoryGiB} GiB, Node ${node}, load ${report.load.before} before, ${report.load.after} after`,
    Object.entries(report.settings)
      .map(([key, value]) => `${key} ${String(value)}`)
      .join(', '),
    '',
  ];
  const width = Math.max(...report.figures.map(({ name }) => name.length));
  for (const figure of report.figures) {
    const { median, low, high } = figure.value;
    const interval = low === high ? '' : `  [${number(low)}, ${number(high)}]`;
    const target = figure.target && `  to reach: ${figure.target.at === 'least' ? '≥' : '≤'} ${figure.target.value}`;
    lines.push(
      `${figure.name.padEnd(width)}  ${number(median).padStart(9)} ${figure.unit}${interval}${target ?? ''}${isMissed(figure) ? '  MISSED' : ''}`,
    );
  }
  return lines.join('\n');
}

const number = (value: number): string =>
  Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(3);
