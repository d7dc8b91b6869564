import { dirname, join } from 'node:path';
import type { Place } from './xft-options.ts';

export interface RanksOptions {
  /** The interpreter; Intel MPI and oneCCL lie in its environment. */
  readonly python: string;
  /** The command of every rank. */
  readonly rank: readonly [string, ...string[]];
  readonly places: readonly Place[];
  /** Threads of all ranks together. */
  readonly threads: number;
}

export interface RanksCommand {
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The command line of the launcher: a rank for each place, bound to CPUs and to the memory of their NUMA node. Every rank
 * has the same number of threads, since all ranks wait for the slowest one. Cores beyond the threads of the plan stay free
 * for the server.
 */
export function toRanksCommand({ python, rank, places, threads }: RanksOptions): RanksCommand {
  const smallest = Math.min(...places.map(({ cpus }) => cpus.length));
  const each = Math.max(1, Math.min(smallest, Math.floor(threads / places.length)));
  const ranks = places.map(({ node, cpus }) => {
    const bound = cpus.slice(0, each).join(',');
    return ['-n', '1', python, '-m', 'xim_engine_xft.place', String(node), bound, ...rank];
  });
  const environment = dirname(dirname(python));
  return {
    command: [
      join(environment, 'bin', 'mpiexec.hydra'),
      ...ranks.flatMap((one, index) => (index === 0 ? one : [':', ...one])),
    ],
    env: {
      PATH: `${join(environment, 'bin')}:/usr/local/bin:/usr/bin:/bin`,
      LD_LIBRARY_PATH: join(environment, 'lib'),
      OMP_NUM_THREADS: String(each),
      SINGLE_INSTANCE: '0',
      I_MPI_ROOT: environment,
      // All ranks are on this host: no network, no remote shell.
      I_MPI_FABRICS: 'shm',
      I_MPI_HYDRA_BOOTSTRAP: 'fork',
      // xim_engine_xft.place binds.
      I_MPI_PIN: '0',
    },
  };
}
