import { expect, test } from 'vitest';
import { readCpus } from './cpus.ts';
import type { HostFiles } from './host-files.ts';

const topology = '/sys/devices/system/cpu';
const cpu = (id: number, core = id, socket = 0, node = 0) => ({ id, core, socket, node });

test.each([
  [
    'no /sys: the mask, where /proc/cpuinfo has it',
    { '/proc/self/status': 'Name:\tnode\nCpus_allowed_list:\t1-9' },
    [0, 1, 2],
    [cpu(1), cpu(2)],
  ],
  ['no /sys and no list: the mask', { '/proc/self/status': 'Cpus_allowed_list:\t1,3' }, [], [cpu(1), cpu(3)]],
  ['no mask: every CPU that is online', { [`${topology}/online`]: '0,2' }, [0, 1, 2], [cpu(0), cpu(2)]],
  ['no mask and no /sys: those of /proc/cpuinfo', {}, [0, 1], [cpu(0), cpu(1)]],
  [
    'a mask of CPUs that are all gone',
    { '/proc/self/status': 'Cpus_allowed_list:\t8', [`${topology}/online`]: '0-1' },
    [],
    [cpu(0), cpu(1)],
  ],
  [
    'the older name of the list of siblings',
    {
      [`${topology}/cpu0/topology/thread_siblings_list`]: '0-1',
      [`${topology}/cpu1/topology/thread_siblings_list`]: '0-1',
    },
    [0, 1],
    [cpu(0, 0), cpu(1, 0)],
  ],
  [
    'a socket that the kernel does not know',
    { [`${topology}/cpu0/topology/physical_package_id`]: '-1' },
    [0],
    [cpu(0)],
  ],
  ['a second node', { '/sys/devices/system/node/node1/cpulist': '1' }, [0, 1], [cpu(0), cpu(1, 1, 0, 1)]],
])('%s', (_, content, listed, expected) => {
  const text = (path: string): string | undefined => (content as Record<string, string>)[path];
  const number = (path: string) => (/^\d+$/.test(text(path) ?? '') ? Number(text(path)) : undefined);
  const names = () => ['has_cpu', 'node0', 'node1'];
  const files: HostFiles = { text, number, names, lines: (path) => text(path)?.split('\n') ?? [] };
  expect(readCpus(files, listed)).toEqual(expected);
});
