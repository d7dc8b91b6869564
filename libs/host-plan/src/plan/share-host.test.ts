import { describe, expect, test } from 'vitest';
import type { Host, Task } from '@xim/engine';
import { type Description, describedHost } from '../__fixtures__/described-host.ts';
import { HostTooSmallError } from '../errors.ts';
import { formatCpuList } from '../host/cpu-list.ts';
import { readHostFiles } from '../host/read-host.ts';
import { planFor } from './plan.ts';
import { type Sharer, shareHost } from './share-host.ts';

const GIB = 2 ** 30;
const read = (description: Description): Host => readHostFiles(describedHost(description));
const quota = (cpus: number, description: Description): Host => ({ ...read(description), cpuQuota: cpus });

const sharer = (name: string, task: Task, weight = 1, gib = 1): Sharer => ({
  name,
  weight,
  model: {
    id: `org/${name}`,
    task,
    licence: 'MIT',
    created: 1,
    artifacts: {},
    profiles: [],
    shape: { contextLength: 1024 },
  },
  memory: { weightBytes: gib * GIB, reserveBytes: GIB, kvBytesPerToken: task === 'generate' ? 2 ** 20 : undefined },
});
const chat = sharer('chat', 'generate');
const embedding = sharer('embedding', 'embed');
const whisperx = sharer('whisperx', 'transcribe');
const cpusOf = (shares: readonly { host: Host }[]) =>
  shares.map(({ host }) => formatCpuList(host.cpus.map(({ id }) => id)));

describe('services that share a host', () => {
  test.each([
    [
      'equal parts',
      read({ generation: 'icelake', cores: 6, memoryGib: 32 }),
      [chat, embedding, whisperx],
      ['0-1', '2-3', '4-5'],
    ],
    [
      'siblings stay together',
      read({ generation: 'icelake', cores: 4, smt: 2, memoryGib: 32 }),
      [chat, embedding],
      ['0-1,4-5', '2-3,6-7'],
    ],
    [
      'three parts to one',
      read({ generation: 'icelake', cores: 10, memoryGib: 32 }),
      [{ ...chat, weight: 3 }, embedding],
      ['0-6', '7-9'],
    ],
    [
      'at least one core',
      read({ generation: 'icelake', cores: 3, memoryGib: 32 }),
      [{ ...chat, weight: 100 }, embedding],
      ['0-1', '2'],
    ],
    [
      'a node each',
      read({ generation: 'icelake', sockets: 2, cores: 4, smt: 2, memoryGib: 32 }),
      [chat, embedding],
      ['0-3,8-11', '4-7,12-15'],
    ],
    [
      'performance cores alone',
      read({ generation: 'alder', cores: 2, smt: 2, efficiency: 2, memoryGib: 32 }),
      [chat, embedding],
      ['0,2', '1,3'],
    ],
  ])('cores: %s', (_, host, sharers, expected) => {
    const shares = shareHost(host, sharers);
    expect(cpusOf(shares)).toEqual(expected);
    const used = shares.flatMap((share) => share.host.cpus.map(({ id }) => id));
    expect(new Set(used).size).toBe(used.length);
  });

  test('fewer cores than services: all CPUs, by time', () => {
    const shares = shareHost(read({ generation: 'milan', cores: 2, memoryGib: 32 }), [chat, embedding, whisperx]);
    expect(cpusOf(shares)).toEqual(['0-1', '0-1', '0-1']);
    for (const { host, reason } of shares) {
      expect(host.cpuQuota).toBeCloseTo(2 / 3);
      expect(reason).toContain('1 of 3 parts of the time of 2 cores, which are fewer than the services');
    }
  });

  test('a quota is divided too', () => {
    const shares = shareHost(quota(4, { generation: 'icelake', cores: 8, memoryGib: 32 }), [chat, embedding]);
    expect(cpusOf(shares)).toEqual(['0-3', '4-7']);
    expect(shares.map(({ host }) => host.cpuQuota)).toEqual([2, 2]);
  });

  test('memory: the least of each, and the rest to the key-value cache', () => {
    const shares = shareHost(read({ generation: 'icelake', cores: 4, memoryGib: 16 }), [chat, embedding]);
    // chat: 1 of weights, 1 for the programs, 1 of cache; embedding 2; each 1/64 by which free memory moves.
    expect(shares.map(({ host }) => host.availableMemoryBytes / GIB)).toEqual([14 - 1 / 64, 2 + 1 / 64]);
    expect(shares[0]!.reason).toBe('1 of 2 parts: 2 of 4 cores (CPUs 0-1); 14 GiB, 11 GiB above its least');
    for (const [at, { model, memory }] of [chat, embedding].entries()) {
      expect(planFor({ host: shares[at]!.host, model, memory }).threads).toBe(2);
    }
  });

  test('services that do not fit together are refused with the need of each', () => {
    const host = read({ generation: 'icelake', cores: 4, memoryGib: 4 });
    expect(() => shareHost(host, [chat, embedding])).toThrow(HostTooSmallError);
    expect(() => shareHost(host, [chat, embedding])).toThrow(
      'need 5.03 GiB (chat 3.02 GiB, embedding 2.02 GiB), but 4 GiB are free',
    );
  });

  test('each service can start in its container, however many bytes are free', () => {
    const host = read({ generation: 'icelake', cores: 4, memoryGib: 32 });
    for (let free = 6 * GIB; free < 6 * GIB + 1000; free += 1) {
      const shares = shareHost({ ...host, availableMemoryBytes: free }, [chat, embedding]);
      expect(shares.reduce((sum, share) => sum + share.host.availableMemoryBytes, 0)).toBe(free);
      for (const [at, { model, memory }] of [chat, embedding].entries()) {
        // A container that has used 8 MiB before its service plans
        const own = { ...shares[at]!.host, availableMemoryBytes: shares[at]!.host.availableMemoryBytes - 8 * 2 ** 20 };
        expect(planFor({ host: own, model, memory }).threads).toBe(2);
      }
    }
  });
});
