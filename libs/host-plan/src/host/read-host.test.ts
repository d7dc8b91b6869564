import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import type { Host } from '@xim/engine';
import { UnsupportedPlatformError } from '../errors.ts';
import { readHost } from './read-host.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`../__fixtures__/${name}`, import.meta.url));
const KIB = 1024;
const skylake = 'Intel Xeon Processor (Skylake, IBRS, no TSX)';
const cpu = (id: number, core = id, socket = 0, node = 0) => ({ id, core, socket, node });

// Every number was taken from the recorded files by hand, not from the code's answer.
const recorded: Record<string, Omit<Host, 'isa'>> = {
  'xeon-amx-v1': {
    vendor: 'GenuineIntel',
    cpuModel: 'Intel(R) Xeon(R) Processor',
    cpus: [cpu(0), cpu(1)],
    memoryBytes: 24683656 * KIB,
    availableMemoryBytes: 23575504 * KIB,
  },
  'container-v1': {
    vendor: 'GenuineIntel',
    cpuModel: skylake,
    cpus: [cpu(0), cpu(2)],
    cpuQuota: 1.5,
    container: 'docker',
    memoryBytes: 2147483648,
    availableMemoryBytes: 2147483648 - 316219392,
  },
  'container-v2': {
    vendor: 'GenuineIntel',
    cpuModel: skylake,
    cpus: [cpu(1), cpu(2), cpu(3)],
    cpuQuota: 2.5,
    memoryBytes: 2147483648,
    availableMemoryBytes: 2147483648 - 211275776,
  },
  'service-v2': {
    vendor: 'GenuineIntel',
    cpuModel: skylake,
    cpus: [cpu(0), cpu(1), cpu(2), cpu(3)],
    cpuQuota: 3,
    memoryBytes: 1073741824,
    availableMemoryBytes: 1073741824 - 1511424,
  },
  'escaped-v2': {
    vendor: 'GenuineIntel',
    cpuModel: skylake,
    cpus: [cpu(0), cpu(1)],
    cpuQuota: 1.5,
    memoryBytes: 2027036 * KIB,
    availableMemoryBytes: 1913860 * KIB,
  },
  'unshared-v2': {
    vendor: 'GenuineIntel',
    cpuModel: skylake,
    cpus: [cpu(0), cpu(1)],
    memoryBytes: 2027036 * KIB,
    availableMemoryBytes: 1913084 * KIB,
  },
  hotplug: {
    vendor: 'GenuineIntel',
    cpuModel: skylake,
    cpus: [cpu(0), cpu(1)],
    memoryBytes: 995404 * KIB,
    availableMemoryBytes: 878296 * KIB,
  },
  'two-sockets-smt': {
    vendor: 'GenuineIntel',
    cpuModel: skylake,
    cpus: [
      cpu(0, 0),
      cpu(1, 0),
      cpu(2, 2),
      cpu(3, 2),
      cpu(4, 4, 1, 1),
      cpu(5, 4, 1, 1),
      cpu(6, 6, 1, 1),
      cpu(7, 6, 1, 1),
    ],
    memoryBytes: 4026540 * KIB,
    availableMemoryBytes: 3810868 * KIB,
  },
  amd: {
    vendor: 'AuthenticAMD',
    cpuModel: 'AMD EPYC-Rome Processor',
    cpus: [cpu(0), cpu(1), cpu(2), cpu(3)],
    memoryBytes: 4021556 * KIB,
    availableMemoryBytes: 3864380 * KIB,
  },
};

test.each(Object.entries(recorded))('the recorded host %s', (name, expected) => {
  const { isa, ...host } = readHost(fixture(name));
  expect(host).toEqual(expected);
  expect(isa).toContain('avx2');
});

test('every recorded host is in the table', () => {
  const folders = readdirSync(fixture('.'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map((entry) => entry.name).sort()).toEqual(Object.keys(recorded).sort());
});

test('instruction sets by the names of /proc/cpuinfo', () => {
  expect(readHost(fixture('xeon-amx-v1')).isa).toEqual(
    expect.arrayContaining(['avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_bf16', 'amx_int8', 'amx_tile']),
  );
  expect(readHost(fixture('amd')).isa).not.toContain('avx512f');
});

test('a tree without any file is a host of one CPU, not an error', () => {
  const host = readHost(fixture('nothing-here'));
  expect(host).toMatchObject({ vendor: 'unknown', isa: [], cpus: [cpu(0)], memoryBytes: totalmem() });
  expect(host).not.toHaveProperty('cpuQuota');
  expect(host.availableMemoryBytes).toBeGreaterThan(0);
});

const platform = { platform: process.platform, arch: process.arch };
afterEach(() => {
  for (const [key, value] of Object.entries(platform)) Object.defineProperty(process, key, { value });
});

test.each([
  ['darwin', 'x64'],
  ['linux', 'arm64'],
  ['win32', 'x64'],
])('%s on %s is refused, but reads a recorded host', (name, arch) => {
  Object.defineProperty(process, 'platform', { value: name });
  Object.defineProperty(process, 'arch', { value: arch });
  expect(() => readHost()).toThrow(UnsupportedPlatformError);
  expect(() => readHost()).toThrow(`found: ${name} on ${arch}`);
  expect(readHost(fixture('amd')).vendor).toBe('AuthenticAMD');
});

test('this machine, in a process bound to one CPU', () => {
  const here = readHost();
  expect(here.vendor).toMatch(/^\w+$/);
  expect(here.isa).toContain('sse2');
  expect(here.memoryBytes).toBeLessThanOrEqual(totalmem());
  expect(here.availableMemoryBytes).toBeLessThanOrEqual(here.memoryBytes);

  const bound = here.cpus.at(-1);
  const bin = fileURLToPath(new URL('../bin.ts', import.meta.url));
  const node = [process.execPath, '--conditions=@xim/source', '--import', 'tsx', bin, '--json'];
  const output = execFileSync('taskset', ['-c', String(bound?.id), ...node], { encoding: 'utf8' });
  expect((JSON.parse(output) as { host: Host }).host.cpus).toEqual([bound]);
});
