import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { hostFiles } from './host-files.ts';
import { readHost } from './read-host.ts';
import { parseHost, recordHost } from './recording.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`../__fixtures__/${name}`, import.meta.url));

describe('a recording', () => {
  test.each(['container-v1', 'container-v2', 'service-v2', 'unshared-v2', 'two-sockets-smt', 'xeon-amx-v1'])(
    'of %s reads as the host itself',
    (name) => {
      const text = JSON.stringify(recordHost(hostFiles(fixture(name))));
      expect(parseHost(JSON.parse(text), 'file')).toEqual(readHost(fixture(name)));
    },
  );

  test('of this machine holds no line that describes nothing', () => {
    const { files } = recordHost(hostFiles('/'));
    expect(files['/proc/self/status']).toMatch(/^Cpus_allowed_list:\s\S+\nMems_allowed_list:\s\S+$/);
    expect(files['/proc/cpuinfo']).not.toMatch(/microcode|bogomips/);
    expect(parseHost({ format: 'xim-host', version: 1, files }, 'file').cpus).toEqual(readHost().cpus);
  });
});

describe('a described host', () => {
  const host = readHost(fixture('amd'));

  test('is the host of "xim-plan --json", with or without the rest', () => {
    expect(parseHost({ host, plan: {} }, 'file')).toEqual(host);
    expect(parseHost({ ...host, cpuQuota: 1.5 }, 'file').cpuQuota).toBe(1.5);
  });

  test.each([
    [[], '"vendor" is missing or wrong'],
    [null, '"vendor" is missing or wrong'],
    [{ ...host, cpus: [] }, '"cpus" is missing or wrong'],
    [{ ...host, cpus: [{ id: 0 }] }, '"cpus" is missing or wrong'],
    [{ ...host, memoryBytes: '1' }, '"memoryBytes" is missing or wrong'],
    [{ ...host, cpuQuota: 0 }, '"cpuQuota" is missing or wrong'],
    [{ ...host, nodes: [{ id: 0 }] }, '"nodes" is missing or wrong'],
    [{ format: 'xim-host', version: 2, files: {} }, 'of another version'],
    [{ format: 'xim-host', version: 1, files: { a: 1 } }, 'of another version'],
  ])('%# that is none is refused by name', (json, message) => {
    expect(() => parseHost(json, 'file.json')).toThrow(`file.json`);
    expect(() => parseHost(json, 'file.json')).toThrow(message);
  });
});
