import { expect, test } from 'vitest';
import { readCpuQuota, readMemoryLimit } from './cgroup.ts';
import type { HostFiles } from './host-files.ts';

const v2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate';
const v1 = (controllers: string, root = '/') =>
  `33 32 0:29 ${root} /sys/fs/cgroup/${controllers} rw,nosuid shared:9 master:4 - cgroup cgroup rw,${controllers}`;
const GIB = 1024 ** 3;

/** Files in memory; names below /sys/fs/cgroup, but for `mounts` and `groups` (mountinfo and cgroup of the process). */
function files(mounts: string[], groups: string[], limits: Record<string, string>): HostFiles {
  const text = (path: string): string | undefined => {
    if (path === '/proc/self/mountinfo') return mounts.join('\n');
    if (path === '/proc/self/cgroup') return groups.join('\n');
    return limits[path.replace('/sys/fs/cgroup/', '')];
  };
  const number = (path: string) => (/^\d+$/.test(text(path) ?? '') ? Number(text(path)) : undefined);
  return { text, number, lines: (path) => text(path)?.split('\n') ?? [], names: () => [] };
}

test.each([
  ['v2, own limit', [v2], ['0::/a'], { 'a/cpu.max': '150000 100000' }, 1.5],
  ['v2, another period', [v2], ['0::/a'], { 'a/cpu.max': '25000 50000' }, 0.5],
  ['v2, no limit', [v2], ['0::/a'], { 'a/cpu.max': 'max 100000' }, undefined],
  [
    'v2, the parent is tighter',
    [v2],
    ['0::/a/b/c'],
    { 'a/cpu.max': '200000 100000', 'a/b/c/cpu.max': '400000 100000' },
    2,
  ],
  ['v2, the child is tighter', [v2], ['0::/a/b'], { 'a/cpu.max': '400000 100000', 'a/b/cpu.max': '300000 100000' }, 3],
  [
    'v2, a neighbour is tighter',
    [v2],
    ['0::/a/b'],
    { 'a/b2/cpu.max': '10000 100000', 'a/b/cpu.max': '300000 100000' },
    3,
  ],
  ['v2, a namespace: the root has limits', [v2], ['0::/'], { 'cpu.max': '250000 100000' }, 2.5],
  [
    'v2, moved out of its namespace',
    [v2],
    ['0::/../other'],
    { 'cpu.max': '250000 100000', 'other/cpu.max': '1 1' },
    2.5,
  ],
  ['v2, a cgroup named ..a', [v2], ['0::/..a'], { '..a/cpu.max': '200000 100000' }, 2],
  [
    'v2, blanks in the mount point',
    ['30 23 0:26 / /my\\040cg rw - cgroup2 none rw'],
    ['0::/a'],
    { '/my cg/a/cpu.max': '200000 100000' },
    2,
  ],
  ['v1', [v1('cpu')], ['3:cpu:/'], { 'cpu/cpu.cfs_quota_us': '300000', 'cpu/cpu.cfs_period_us': '100000' }, 3],
  [
    'v1, -1 is no limit',
    [v1('cpu')],
    ['3:cpu:/'],
    { 'cpu/cpu.cfs_quota_us': '-1', 'cpu/cpu.cfs_period_us': '100000' },
    undefined,
  ],
  [
    'v1, controllers together',
    [v1('cpu,cpuacct')],
    ['3:cpu,cpuacct:/a'],
    { 'cpu,cpuacct/a/cpu.cfs_quota_us': '50000', 'cpu,cpuacct/a/cpu.cfs_period_us': '100000' },
    0.5,
  ],
  [
    'v1, cpuacct alone is another controller',
    [v1('cpuacct')],
    ['2:cpuacct:/'],
    { 'cpuacct/cpu.cfs_quota_us': '50000', 'cpuacct/cpu.cfs_period_us': '100000' },
    undefined,
  ],
  [
    "v1, the container's folder is mounted",
    [v1('cpu', '/docker/x')],
    ['3:cpu:/docker/x'],
    { 'cpu/cpu.cfs_quota_us': '200000', 'cpu/cpu.cfs_period_us': '100000' },
    2,
  ],
  [
    'v1, a cgroup inside the container',
    [v1('cpu', '/docker/x')],
    ['3:cpu:/docker/x/in'],
    {
      'cpu/in/cpu.cfs_quota_us': '100000',
      'cpu/in/cpu.cfs_period_us': '100000',
      'cpu/cpu.cfs_quota_us': '200000',
      'cpu/cpu.cfs_period_us': '100000',
    },
    1,
  ],
  [
    'v1, the mount is of another cgroup',
    [v1('cpu', '/docker/x')],
    ['3:cpu:/docker/xy'],
    {
      'cpu/cpu.cfs_quota_us': '200000',
      'cpu/cpu.cfs_period_us': '100000',
      'cpu/y/cpu.cfs_quota_us': '1',
      'cpu/y/cpu.cfs_period_us': '1',
    },
    2,
  ],
  [
    'hybrid: v1 has cpu, v2 has nothing',
    [v1('cpu'), '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw'],
    ['3:cpu:/a', '0::/b'],
    { 'cpu/a/cpu.cfs_quota_us': '200000', 'cpu/a/cpu.cfs_period_us': '100000' },
    2,
  ],
  [
    'hybrid: v2 has cpu',
    [v1('memory'), '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw'],
    ['4:memory:/a', '0::/b'],
    { 'unified/b/cpu.max': '100000 100000' },
    1,
  ],
  [
    'v1, the mount of a neighbour is passed over',
    [v1('cpu', '/docker/x'), '34 32 0:29 / /sys/fs/cgroup/all rw - cgroup cgroup rw,cpu'],
    ['3:cpu:/docker/xy'],
    {
      'cpu/cpu.cfs_quota_us': '100000',
      'cpu/cpu.cfs_period_us': '100000',
      'all/docker/xy/cpu.cfs_quota_us': '300000',
      'all/docker/xy/cpu.cfs_period_us': '100000',
    },
    3,
  ],
  [
    'v1, cpuacct sits in another cgroup',
    [v1('cpu'), v1('cpuacct')],
    ['3:cpu:/', '2:cpuacct:/a'],
    { 'cpu/a/cpu.cfs_quota_us': '100000', 'cpu/a/cpu.cfs_period_us': '100000' },
    undefined,
  ],
  ['no cgroup at all', [], [], {}, undefined],
  ['a hierarchy without a mount', [], ['0::/a'], { 'a/cpu.max': '150000 100000' }, undefined],
  ['lines that are nonsense', ['', 'x y z'], ['', '0::', 'a:b'], {}, undefined],
] as const)('CPU quota: %s', (_, mounts, groups, limits, quota) => {
  expect(readCpuQuota(files([...mounts], [...groups], limits))).toBe(quota);
});

const unlimited = '9223372036854771712';

test.each([
  [
    'v2, own limit',
    [v2],
    ['0::/a'],
    { 'a/memory.max': `${GIB}`, 'a/memory.current': `${GIB / 4}` },
    GIB,
    (GIB * 3) / 4,
  ],
  ['v2, no limit', [v2], ['0::/a'], { 'a/memory.max': 'max', 'a/memory.current': '100' }, undefined, undefined],
  [
    'v2, cache counts as free',
    [v2],
    ['0::/a'],
    { 'a/memory.max': `${GIB}`, 'a/memory.current': `${GIB / 2}`, 'a/memory.stat': `anon 7\ninactive_file ${GIB / 4}` },
    GIB,
    (GIB * 3) / 4,
  ],
  [
    'v2, the soft limit is lower',
    [v2],
    ['0::/a'],
    { 'a/memory.max': `${2 * GIB}`, 'a/memory.high': `${GIB}`, 'a/memory.current': '0' },
    GIB,
    GIB,
  ],
  [
    'v2, a full parent above a roomy child',
    [v2],
    ['0::/a/b'],
    {
      'a/memory.max': `${3 * GIB}`,
      'a/memory.current': `${2.5 * GIB}`,
      'a/b/memory.max': `${2 * GIB}`,
      'a/b/memory.current': '0',
    },
    2 * GIB,
    GIB / 2,
  ],
  ['v2, more used than allowed', [v2], ['0::/a'], { 'a/memory.max': '100', 'a/memory.current': '200' }, 100, 0],
  [
    'v1, cache of the group and below',
    [v1('memory')],
    ['4:memory:/a'],
    {
      'memory/a/memory.limit_in_bytes': `${GIB}`,
      'memory/a/memory.usage_in_bytes': `${GIB / 2}`,
      'memory/a/memory.stat': `inactive_file 0\nhierarchical_memory_limit ${unlimited}\ntotal_inactive_file ${GIB / 4}`,
    },
    GIB,
    (GIB * 3) / 4,
  ],
  [
    'v1, a limit above the mounted groups',
    [v1('memory', '/p/c')],
    ['4:memory:/p/c'],
    {
      'memory/memory.limit_in_bytes': unlimited,
      'memory/memory.usage_in_bytes': '0',
      'memory/memory.stat': `hierarchical_memory_limit ${GIB}`,
    },
    GIB,
    GIB,
  ],
] as const)('memory: %s', (_, mounts, groups, limits, limit, free) => {
  expect(readMemoryLimit(files([...mounts], [...groups], limits))).toEqual({ limit, free });
});
