import { type HostFiles, hostFiles } from './host-files.ts';

const FOLDER = '/sys/class/powercap';

/** One energy counter of the machine: a package, or the memory beside it. */
export interface EnergyCounter {
  readonly name: string;
  readonly microjoules: number;
  /** The counter begins again at zero after this value. */
  readonly rangeMicrojoules: number;
}

/**
 * The counters of Running Average Power Limit that this process may read (Documentation/power/powercap/powercap.rst): those
 * of packages, `intel-rapl:0`, and of memory, a zone named `dram` inside. AMD's packages have the same names. Empty on virtual machines,
 * and where only root may read them.
 */
export function readRapl(files: HostFiles = hostFiles('/')): EnergyCounter[] {
  const zones = files.names(FOLDER).filter((zone) => /^intel-rapl:\d+(:\d+)?$/.test(zone));
  return zones.sort().flatMap((zone) => {
    const name = files.text(`${FOLDER}/${zone}/name`) ?? '';
    const isPackage = /^intel-rapl:\d+$/.test(zone) && name.startsWith('package');
    const microjoules = files.number(`${FOLDER}/${zone}/energy_uj`);
    const rangeMicrojoules = files.number(`${FOLDER}/${zone}/max_energy_range_uj`);
    if ((!isPackage && name !== 'dram') || microjoules === undefined || rangeMicrojoules === undefined) return [];
    return [{ name: `${zone} ${name}`, microjoules, rangeMicrojoules }];
  });
}

/** Joules between two readings, each counter at most once around. */
export function joulesBetween(before: readonly EnergyCounter[], after: readonly EnergyCounter[]): number {
  return after.reduce((sum, { name, microjoules, rangeMicrojoules }) => {
    const from = before.find((counter) => counter.name === name)?.microjoules ?? microjoules;
    const used = microjoules >= from ? microjoules - from : microjoules + rangeMicrojoules - from;
    return sum + used / 1e6;
  }, 0);
}
