/** Bytes of one transfer. */
export interface FetchProgress {
  /** Name of the transferred file: a file of the model, or the package that holds it. */
  readonly file: string;
  readonly receivedBytes: number;
  /** Absent while it is not known. */
  readonly totalBytes?: number | undefined;
}

/** Seconds of the past from which the rate is taken. */
const WINDOW_S = 10;

/** Decimal units, three digits: `1.23 GB`, `98.4 MB`, `512 B`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const;
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value < 100 ? value.toPrecision(3) : value.toFixed()} ${units[power]}`;
}

/**
 * Formats the values of `onProgress` for people: `model.whl  12.3 MB of 22.9 MB (54 %)  4.10 MB/s  3 s left`.
 * One formatter follows one fetch. The rate covers the last ten seconds; bytes of an earlier run do not
 * count. `now` gives milliseconds.
 */
export function createProgressFormatter(now: () => number = () => performance.now()): (p: FetchProgress) => string {
  let file: string | undefined;
  let samples: { at: number; bytes: number }[] = [];

  return (progress) => {
    const { receivedBytes, totalBytes } = progress;
    if (progress.file !== file) samples = [];
    file = progress.file;
    const at = now() / 1000;
    samples.push({ at, bytes: receivedBytes });
    while (samples.length > 2 && at - (samples[1]?.at ?? at) >= WINDOW_S) samples.shift();

    if (totalBytes === undefined && receivedBytes === 0) return `${file}  asking where it is`;
    const first = samples[0] ?? { at, bytes: receivedBytes };
    const rate = at > first.at ? (receivedBytes - first.bytes) / (at - first.at) : 0;
    const parts = [file, formatAmount(receivedBytes, totalBytes)];
    if (rate > 0) parts.push(`${formatBytes(Math.round(rate))}/s`);
    if (rate > 0 && totalBytes !== undefined && totalBytes > receivedBytes) {
      parts.push(`${formatDuration((totalBytes - receivedBytes) / rate)} left`);
    }
    return parts.join('  ');
  };
}

function formatAmount(received: number, total: number | undefined): string {
  if (total === undefined) return formatBytes(received);
  const percent = total === 0 ? 100 : Math.floor((received / total) * 100);
  return `${formatBytes(received)} of ${formatBytes(total)} (${percent} %)`;
}

function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
