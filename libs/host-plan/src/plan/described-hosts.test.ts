import { describe, expect, test } from 'vitest';
import type { Host, MemoryNeeds, ModelEntry } from '@xim/engine';
import { type Description, describedHost } from '../__fixtures__/described-host.ts';
import { readHostFiles } from '../host/read-host.ts';
import { numaCommands } from './numa.ts';
import { planFor } from './plan.ts';

const GIB = 2 ** 30;
const V2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate';
const v1 = (controller: string): string =>
  `33 32 0:29 / /sys/fs/cgroup/${controller} rw,nosuid - cgroup cgroup rw,${controller}`;

/** A model of eight billion parameters in 4 bits, as an engine could describe it. */
const needs: MemoryNeeds = {
  weightBytes: 6 * GIB,
  kvBytesPerToken: 73_728,
  reserveBytes: GIB / 2,
  tokensPerThreadSecond: 5,
};
const model: ModelEntry = {
  id: 'org/eight',
  task: 'generate',
  licence: 'MIT',
  created: 1,
  artifacts: {},
  profiles: [],
  shape: { contextLength: 8192 },
};

interface Expected {
  readonly threads: number;
  readonly isa: string;
  readonly slots: number;
  readonly batchTokens: number;
  /** Values of further lines: `numa`, `governor`, `hugePages`. */
  readonly lines?: Readonly<Record<string, string>>;
  /** The beginning of each command for a node. */
  readonly commands?: readonly string[];
  readonly container?: string;
}

// The expected numbers follow from the tables of the README, by hand.
const hosts: Record<string, [Description, Expected]> = {
  'an old Xeon with AVX2, two sockets, SMT': [
    { generation: 'haswell', sockets: 2, cores: 12, smt: 2, memoryGib: 256 },
    {
      threads: 23,
      isa: 'avx2',
      slots: 92,
      batchTokens: 1024,
      lines: { numa: '2 nodes' },
      commands: [
        'docker run --cpuset-cpus=0-11,24-35 --cpuset-mems=0 -m 131072m -p 8000:8000',
        'docker run --cpuset-cpus=12-23,36-47 --cpuset-mems=1 -m 131072m -p 8001:8000',
      ],
    },
  ],
  'a Xeon without AVX2': [
    { generation: 'nehalem', cores: 4, memoryGib: 48 },
    { threads: 4, isa: 'no AVX2', slots: 64, batchTokens: 512 },
  ],
  'Skylake, one socket, SMT off': [
    { generation: 'skylake', cores: 20, memoryGib: 192 },
    { threads: 19, isa: 'avx512f', slots: 76, batchTokens: 1024 },
  ],
  'Skylake, powersave, no transparent huge pages': [
    { generation: 'skylake', cores: 20, memoryGib: 192, governor: 'powersave', transparent: 'never' },
    { threads: 19, isa: 'avx512f', slots: 76, batchTokens: 1024, lines: { governor: 'powersave', hugePages: 'never' } },
  ],
  'Ice Lake, one socket, SMT, performance': [
    { generation: 'icelake', cores: 40, smt: 2, memoryGib: 256, governor: 'performance', transparent: 'madvise' },
    { threads: 39, isa: 'avx512_vnni', slots: 156, batchTokens: 2048 },
  ],
  'Ice Lake, two sockets': [
    { generation: 'icelake', sockets: 2, cores: 40, memoryGib: 512 },
    {
      threads: 78,
      isa: 'avx512_vnni',
      slots: 256,
      batchTokens: 2048,
      lines: { numa: '2 nodes' },
      commands: ['docker run --cpuset-cpus=0-39', 'docker run --cpuset-cpus=40-79'],
    },
  ],
  'Cooper Lake, four sockets': [
    { generation: 'cooperlake', sockets: 4, cores: 28, memoryGib: 1024 },
    {
      threads: 110,
      isa: 'avx512_vnni',
      slots: 256,
      batchTokens: 2048,
      lines: { numa: '4 nodes' },
      commands: [0, 1, 2, 3].map(
        (node) => `docker run --cpuset-cpus=${28 * node}-${28 * node + 27} --cpuset-mems=${node} -m 262144m`,
      ),
    },
  ],
  'Sapphire Rapids, two sockets, SMT': [
    { generation: 'sapphire', sockets: 2, cores: 56, smt: 2, memoryGib: 1024 },
    {
      threads: 110,
      isa: 'amx_int8',
      slots: 256,
      batchTokens: 2048,
      lines: { numa: '2 nodes' },
      commands: ['docker run --cpuset-cpus=0-55,112-167', 'docker run --cpuset-cpus=56-111,168-223'],
    },
  ],
  'Sapphire Rapids, one socket in four sub-NUMA clusters': [
    { generation: 'sapphire', cores: 56, smt: 2, nodes: 4, memoryGib: 512 },
    {
      threads: 55,
      isa: 'amx_int8',
      slots: 220,
      batchTokens: 2048,
      lines: { numa: '4 nodes' },
      commands: [
        'docker run --cpuset-cpus=0-13,56-69 --cpuset-mems=0 -m 131072m',
        'docker run --cpuset-cpus=14-27,70-83',
        'docker run --cpuset-cpus=28-41,84-97',
        'docker run --cpuset-cpus=42-55,98-111',
      ],
    },
  ],
  'Sapphire Rapids, one cluster by a cpuset, with its memory': [
    { generation: 'sapphire', cores: 56, smt: 2, nodes: 4, memoryGib: 512, cpuset: '14-27,70-83', mems: '1' },
    { threads: 13, isa: 'amx_int8', slots: 64, batchTokens: 512 },
  ],
  'Sapphire Rapids, one cluster by a cpuset, with the memory of all': [
    { generation: 'sapphire', cores: 56, smt: 2, nodes: 4, memoryGib: 512, cpuset: '14-27,70-83' },
    { threads: 13, isa: 'amx_int8', slots: 64, batchTokens: 512, lines: { numa: 'node 1' } },
  ],
  'Sapphire Rapids, SMT in the mask without its siblings': [
    { generation: 'sapphire', cores: 56, smt: 2, memoryGib: 512, cpuset: '0-7' },
    { threads: 7, isa: 'amx_int8', slots: 64, batchTokens: 512 },
  ],
  'Granite Rapids, one socket, three clusters': [
    { generation: 'granite', cores: 96, nodes: 3, memoryGib: 768 },
    {
      threads: 94,
      isa: 'amx_int8',
      slots: 256,
      batchTokens: 2048,
      lines: { numa: '3 nodes' },
      commands: ['docker run --cpuset-cpus=0-31', 'docker run --cpuset-cpus=32-63', 'docker run --cpuset-cpus=64-95'],
    },
  ],
  'Sierra Forest, efficiency cores alone': [
    { generation: 'sierra', cores: 144, memoryGib: 512 },
    { threads: 142, isa: 'avx_vnni', slots: 256, batchTokens: 2048 },
  ],
  'a hybrid desktop': [
    { generation: 'alder', cores: 8, smt: 2, efficiency: 4, memoryGib: 32 },
    { threads: 7, isa: 'avx_vnni', slots: 64, batchTokens: 512 },
  ],
  'a hybrid desktop, bound to its efficiency cores': [
    { generation: 'alder', cores: 8, smt: 2, efficiency: 4, memoryGib: 32, cpuset: '16-19' },
    { threads: 4, isa: 'avx_vnni', slots: 64, batchTokens: 512 },
  ],
  'Milan, four nodes per socket, SMT': [
    { generation: 'milan', cores: 64, smt: 2, nodes: 4, memoryGib: 256 },
    {
      threads: 62,
      isa: 'avx2',
      slots: 248,
      batchTokens: 2048,
      lines: { numa: '4 nodes' },
      commands: [
        'docker run --cpuset-cpus=0-15,64-79',
        'docker run --cpuset-cpus=16-31,80-95',
        'docker run --cpuset-cpus=32-47,96-111',
        'docker run --cpuset-cpus=48-63,112-127',
      ],
    },
  ],
  'Genoa, two sockets': [
    { generation: 'genoa', sockets: 2, cores: 96, memoryGib: 1536 },
    {
      threads: 190,
      isa: 'avx512_vnni',
      slots: 256,
      batchTokens: 2048,
      lines: { numa: '2 nodes' },
      commands: ['docker run --cpuset-cpus=0-95', 'docker run --cpuset-cpus=96-191'],
    },
  ],
  'Turin, one socket': [
    { generation: 'turin', cores: 128, smt: 2, memoryGib: 768 },
    { threads: 126, isa: 'avx512_vnni', slots: 256, batchTokens: 2048 },
  ],
  'a cpuset with holes, half-used cores': [
    { generation: 'icelake', cores: 8, smt: 2, memoryGib: 64, cpuset: '0,2,5,8,13' },
    // CPU 8 is the sibling of CPU 0, CPU 13 that of CPU 5.
    { threads: 3, isa: 'avx512_vnni', slots: 64, batchTokens: 512 },
  ],
  'a cgroup v2 in a pod: half a core, little memory above the weights': [
    {
      generation: 'sapphire',
      cores: 32,
      memoryGib: 256,
      cgroup: {
        groups: '0::/kubepods.slice/kubepods-burstable.slice/pod1/c1',
        mounts: V2,
        files: {
          'kubepods.slice/kubepods-burstable.slice/pod1/c1/cpu.max': '50000 100000',
          'kubepods.slice/kubepods-burstable.slice/pod1/c1/memory.max': String(9 * GIB),
          'kubepods.slice/kubepods-burstable.slice/pod1/c1/memory.current': '0',
          'kubepods.slice/cpu.max': '3100000 100000',
        },
      },
    },
    { threads: 1, isa: 'amx_int8', slots: 8, batchTokens: 512, container: 'kubernetes' },
  ],
  'cgroup v2, nested: the slice pays for less than the unit, memory.high above': [
    {
      generation: 'icelake',
      cores: 16,
      memoryGib: 128,
      cgroup: {
        groups: '0::/system.slice/xim.service',
        mounts: V2,
        files: {
          'system.slice/cpu.max': '400000 100000',
          'system.slice/xim.service/cpu.max': '800000 100000',
          'system.slice/memory.high': String(12 * GIB),
          'system.slice/memory.current': String(GIB),
          'system.slice/memory.stat': `inactive_file ${GIB}`,
        },
      },
    },
    // 12 GiB less 6.5 leave 5.5; half of it holds 19 sequences of 2,048 tokens.
    { threads: 4, isa: 'avx512_vnni', slots: 19, batchTokens: 512 },
  ],
  'cgroup v1 with Docker: a quota of 2.5 CPUs': [
    {
      generation: 'skylake',
      cores: 8,
      smt: 2,
      memoryGib: 64,
      cgroup: {
        groups: '2:cpu:/docker/c1\n1:memory:/docker/c1',
        mounts: `${v1('cpu').replace(' / ', ' /docker/c1 ')}\n${v1('memory').replace(' / ', ' /docker/c1 ')}`,
        files: {
          'cpu/cpu.cfs_quota_us': '250000',
          'cpu/cpu.cfs_period_us': '100000',
          'memory/memory.limit_in_bytes': String(16 * GIB),
          'memory/memory.usage_in_bytes': '0',
        },
      },
    },
    // 16 GiB less 6.5 leave 9.5: half of it holds 33 sequences.
    { threads: 2, isa: 'avx512f', slots: 33, batchTokens: 512, container: 'docker' },
  ],
  'a small machine that just holds one context': [
    { generation: 'milan', cores: 2, memoryGib: 8, freeGib: 7.1 },
    { threads: 2, isa: 'avx2', slots: 4, batchTokens: 512 },
  ],
};

const read = (description: Description): Host => readHostFiles(describedHost(description));

describe('described hosts', () => {
  test.each(Object.entries(hosts))('%s', (_, [description, expected]) => {
    const host = read(description);
    const plan = planFor({ host, model, memory: needs });
    const line = (key: string): string | undefined => plan.reasons.find((reason) => reason.key === key)?.value;
    const { threads, slots, batchTokens } = plan;
    expect({ threads, slots, batchTokens, isa: line('isa'), container: host.container }).toEqual({
      threads: expected.threads,
      slots: expected.slots,
      batchTokens: expected.batchTokens,
      isa: expected.isa,
      container: expected.container,
    });
    const extra = Object.fromEntries(['numa', 'governor', 'hugePages'].map((key) => [key, line(key)]));
    expect(extra).toEqual({ numa: undefined, governor: undefined, hugePages: undefined, ...expected.lines });
    const commands = numaCommands(host);
    expect(commands.length).toBe(expected.commands?.length ?? 0);
    commands.forEach((command, at) => expect(command).toContain(`${expected.commands![at]} `));
    for (const { key, reason } of plan.reasons) expect(reason, key).toMatch(/\w{3}/);
  });

  test('there are at least twenty', () => {
    expect(Object.keys(hosts).length).toBeGreaterThanOrEqual(20);
  });

  test('too little memory is a refusal before anything is loaded', () => {
    const host = read({ generation: 'milan', cores: 2, memoryGib: 8, freeGib: 6.9 });
    expect(() => planFor({ host, model, memory: needs })).toThrow('needs 7.06 GiB');
  });

  test('the memory of a cpuset is that of its nodes', () => {
    const host = read({ generation: 'sapphire', cores: 56, nodes: 4, memoryGib: 512, cpuset: '14-27', mems: '1' });
    expect(host).toMatchObject({ memoryBytes: 128 * GIB, nodes: [{ id: 1, memoryBytes: 128 * GIB, distances: [10] }] });
  });

  test('distances are those between the nodes of the process', () => {
    const host = read({
      generation: 'sapphire',
      sockets: 2,
      cores: 8,
      nodes: 2,
      memoryGib: 64,
      cpuset: '0-3,12-15',
      mems: '0,3',
    });
    expect(host.nodes?.map(({ id, distances }) => [id, ...distances])).toEqual([
      [0, 10, 21],
      [3, 21, 10],
    ]);
  });

  test('a hybrid CPU: the reason names both kinds, and how to keep to one', () => {
    const { reasons } = planFor({
      host: read({ generation: 'alder', cores: 8, smt: 2, efficiency: 4, memoryGib: 32 }),
      model,
      memory: needs,
    });
    expect(reasons.find(({ key }) => key === 'threads')?.reason).toContain('8 performance cores of 16 CPUs');
    expect(reasons.find(({ key }) => key === 'threads')?.reason).toContain('4 efficiency cores would delay every step');
    expect(reasons.find(({ key }) => key === 'cpus')?.reason).toContain('taskset -c 0-15');
  });
});
