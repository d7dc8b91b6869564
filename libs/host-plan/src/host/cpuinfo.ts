export interface CpuInfo {
  readonly vendor: string;
  readonly model: string;
  readonly flags: readonly string[];
  /** Ids in order of appearance. */
  readonly processors: readonly number[];
}

/** Reads /proc/cpuinfo. The first CPU stands for all: a server's CPUs have the same vendor and flags. */
export function parseCpuInfo(lines: readonly string[]): CpuInfo {
  const first = new Map<string, string>();
  const processors: number[] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const key = line.slice(0, colon).trim();
    const value = line.slice(colon + 1).trim();
    if (key === 'processor') processors.push(Number(value));
    if (!first.has(key)) first.set(key, value);
  }
  return {
    vendor: first.get('vendor_id') ?? 'unknown',
    model: first.get('model name') ?? 'unknown',
    flags: first.get('flags')?.split(/\s+/) ?? [],
    processors,
  };
}
