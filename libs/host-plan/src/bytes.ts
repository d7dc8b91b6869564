const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Bytes for people, to three digits: `118 MiB`, `1.76 GiB`. */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${Number(value.toPrecision(value >= 100 ? Math.ceil(Math.log10(value + 1)) : 3))} ${units[unit]}`;
}

export const MIB = 1024 * 1024;
