import type { HostCpu } from '@xim/engine';
import { describe, expect, it } from 'vitest';
import { toPlaces } from './xft-options.ts';
import { toRanksCommand } from './xft-ranks.ts';

/** Two sockets of `cores` cores, each with two logical CPUs, numbered as Linux numbers them: first all cores, then their seconds. */
const twoSockets = (cores: number): HostCpu[] =>
  Array.from({ length: 4 * cores }, (_, id) => {
    const socket = Math.floor((id % (2 * cores)) / cores);
    return { id, core: id % cores, socket, node: socket };
  });

describe('toPlaces', () => {
  it.each([
    ['one rank is not bound', 1, twoSockets(2), []],
    [
      'a rank for each node, no second logical CPU of a core',
      'numa',
      twoSockets(2),
      [
        { node: 0, cpus: [0, 1] },
        { node: 1, cpus: [2, 3] },
      ],
    ],
    [
      'only CPUs that this process may use',
      'numa',
      twoSockets(2).filter(({ id }) => [1, 5, 6, 7].includes(id)),
      [
        { node: 0, cpus: [1] },
        { node: 1, cpus: [6, 7] },
      ],
    ],
    [
      'one node',
      'numa',
      twoSockets(2).filter(({ node }) => node === 0),
      'a second NUMA node for the option ranks: "numa" (found: 1)',
    ],
  ] as const)('%s', (_, ranks, cpus, expected) => {
    expect(toPlaces({ ranks }, cpus)).toEqual(expected);
  });
});

describe('toRanksCommand', () => {
  const places = [
    { node: 0, cpus: [0, 1, 2, 3] },
    { node: 1, cpus: [4, 5, 6, 7] },
  ];
  const place = ['/e/bin/python', '-m', 'xim_engine_xft.place'];
  const rank = ['/e/bin/python', '-m', 'xim_engine_xft', 'generate'] as const;
  const run = (threads: number, more = places) =>
    toRanksCommand({ python: '/e/bin/python', rank: [...rank], places: more, threads });

  it.each([
    ['the plan leaves a core to the server: each rank does without one', 7, places, ['0,1,2', '4,5,6']],
    ['all cores', 8, places, ['0,1,2,3', '4,5,6,7']],
    ['a quota of three', 3, places, ['0', '4']],
    ['never less than a thread', 1, places, ['0', '4']],
    [
      'the smallest node decides',
      7,
      [
        { node: 0, cpus: [0, 1, 2, 3] },
        { node: 2, cpus: [9] },
      ],
      ['0', '9'],
    ],
  ])('%s', (_, threads, where, bound) => {
    const { command, env } = run(threads, where);
    expect(command).toEqual([
      '/e/bin/mpiexec.hydra',
      ...['-n', '1', ...place, String(where[0]!.node), bound[0], ...rank],
      ':',
      ...['-n', '1', ...place, String(where[1]!.node), bound[1], ...rank],
    ]);
    expect(env['OMP_NUM_THREADS']).toBe(String(bound[0]!.split(',').length));
  });

  it('runs from the environment of the interpreter, on this host alone', () => {
    expect(run(8).env).toEqual({
      PATH: '/e/bin:/usr/local/bin:/usr/bin:/bin',
      LD_LIBRARY_PATH: '/e/lib',
      OMP_NUM_THREADS: '4',
      SINGLE_INSTANCE: '0',
      I_MPI_ROOT: '/e',
      I_MPI_FABRICS: 'shm',
      I_MPI_HYDRA_BOOTSTRAP: 'fork',
      I_MPI_PIN: '0',
    });
  });
});
