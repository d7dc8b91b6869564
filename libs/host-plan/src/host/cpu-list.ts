/** `0-3,8` → `[0, 1, 2, 3, 8]`: the kernel's list format (Documentation/admin-guide/cputopology.rst). */
export function parseCpuList(list: string | undefined): number[] {
  const cpus: number[] = [];
  for (const range of (list ?? '').split(',')) {
    const match = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(range);
    if (!match) continue;
    const last = Number(match[2] ?? match[1]);
    for (let cpu = Number(match[1]); cpu <= last; cpu++) cpus.push(cpu);
  }
  return cpus;
}

/** `[0, 1, 2, 3, 8]` → `0-3,8`. Takes ascending ids. */
export function formatCpuList(cpus: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const cpu of cpus) {
    const open = ranges.at(-1);
    if (open && open[1] === cpu - 1) open[1] = cpu;
    else ranges.push([cpu, cpu]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}
