import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Host, MemoryNeeds, ModelEntry, Plan, Task } from '@xim/engine';
import { HostTooSmallError, PlanRequestError } from '../errors.ts';
import { planFor } from './plan.ts';
import type { PlanOptions } from './plan.ts';
import type { PlanRequest } from './plan-request.ts';
import { readHost } from '../host/read-host.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const fixture = (name: string): Host => readHost(fileURLToPath(new URL(`../__fixtures__/${name}`, import.meta.url)));

/** `cores` physical cores with `smt` CPUs each, spread evenly over `sockets`, one NUMA node per socket. */
function hostOf(o: {
  cores: number;
  smt?: number;
  sockets?: number;
  quota?: number;
  free?: number;
  total?: number;
}): Host {
  const { cores, smt = 1, sockets = 1, quota, free = 64 * GIB, total = free } = o;
  const cpus = Array.from({ length: cores * smt }, (_, id) => {
    const socket = Math.floor(((id % cores) * sockets) / cores);
    return { id, core: id % cores, socket, node: socket };
  });
  const limit = quota === undefined ? {} : { cpuQuota: quota };
  return {
    vendor: 'GenuineIntel',
    cpuModel: 'test',
    isa: [],
    cpus,
    ...limit,
    memoryBytes: total,
    availableMemoryBytes: free,
  };
}

const modelOf = (task: Task, shape: ModelEntry['shape'] = {}): ModelEntry => ({
  id: 'org/model',
  task,
  licence: 'MIT',
  created: 1,
  artifacts: {},
  profiles: [],
  shape,
});

/** As an engine would say of a small model, with 16-bit keys and values. */
const memory: MemoryNeeds = {
  weightBytes: 98_362_432 * 1.5,
  kvBytesPerToken: 23_040,
  reserveBytes: 384 * MIB,
  tokensPerThreadSecond: 245,
};
/** A model of so many bytes, with steps as much longer. */
const heavy = (weightBytes: number): MemoryNeeds => ({
  ...memory,
  weightBytes,
  tokensPerThreadSecond: (245 * memory.weightBytes) / weightBytes,
});
const smol = { contextLength: 8192 };
const two = hostOf({ cores: 2 });

const plan = (options: Partial<PlanOptions> = {}): Plan =>
  planFor({ host: two, model: modelOf('generate', smol), memory, ...options });
const asking = (requested: PlanRequest, options: Partial<PlanOptions> = {}): Plan => plan({ requested, ...options });
const reasonOf = (key: string, from: Plan) => from.reasons.find((line) => line.key === key);

describe('threads', () => {
  test.each([
    ['one CPU', hostOf({ cores: 1 }), 1],
    ['two cores, all for the engine', two, 2],
    ['four cores, all for the engine', hostOf({ cores: 4 }), 4],
    ['seven cores, all for the engine', hostOf({ cores: 7 }), 7],
    ['eight cores, one for the HTTP host', hostOf({ cores: 8 }), 7],
    ['two for the HTTP host of a big machine', hostOf({ cores: 64, sockets: 2 }), 62],
    ['SMT siblings count once', hostOf({ cores: 4, smt: 2 }), 4],
    [
      'the same core number on two sockets is two cores',
      { ...two, cpus: [0, 1].map((id) => ({ id, core: 0, socket: id, node: id })) },
      2,
    ],
    ['quota below the cores', hostOf({ cores: 8, quota: 3.9 }), 3],
    ['quota below one CPU', hostOf({ cores: 4, quota: 0.5 }), 1],
    ['quota of half the SMT CPUs', hostOf({ cores: 4, smt: 2, quota: 4 }), 4],
    ['quota above the cores', hostOf({ cores: 2, quota: 16 }), 2],
    ['quota of eight', hostOf({ cores: 32, quota: 8 }), 7],
    ['recorded: Xeon with AMX', fixture('xeon-amx-v1'), 2],
    ['recorded: 1.5 CPUs on two half-used cores', fixture('container-v1'), 1],
    ['recorded: 2.5 CPUs on three', fixture('container-v2'), 2],
    ['recorded: the slice pays for 3 of 4', fixture('service-v2'), 3],
    ['recorded: two sockets with SMT', fixture('two-sockets-smt'), 4],
  ])('%s', (_, host, threads) => {
    expect(plan({ host }).threads).toBe(threads);
  });

  test('the reason names cores, quota and the share of the HTTP host', () => {
    const from = plan({ host: hostOf({ cores: 32, smt: 2, quota: 8.5 }) });
    expect(reasonOf('threads', from)).toEqual({
      key: 'threads',
      value: '7',
      reason:
        "32 physical cores of 64 CPUs (a core's second CPU adds nothing here), of which the quota of 8.5 CPUs pays for 8, less 1 for the HTTP host",
    });
  });
});

describe('key-value cache and slots of generate', () => {
  const reserve = 384 * MIB;
  const weights = 98_362_432 * 1.5;
  /** Free memory that leaves exactly `left` after weights and programs. */
  const leaving = (left: number, cores = 2) => hostOf({ cores, free: weights + reserve + left });
  const token = 23_040;

  test.each([
    ['enough for 64 slots of 2,048 tokens, and no more', leaving(40 * GIB), 64 * 2048 * token, 64],
    ['half of what is left', leaving(2 * 10 * 2048 * token), 10 * 2048 * token, 10],
    ['one full context, however little that leaves', leaving(8192 * token), 8192 * token, 4],
    ['a big host carries more slots', leaving(400 * GIB, 64), 248 * 2048 * token, 248],
    ['256 at most', leaving(400 * GIB, 128), 256 * 2048 * token, 256],
  ])('%s', (_, host, kvCacheBytes, slots) => {
    expect(plan({ host })).toMatchObject({ kvCacheBytes, slots });
  });

  test.each([
    ['bytes per token from the engine', { memory: { ...memory, kvBytesPerToken: 13_680 } }, 64 * 2048 * 13_680],
    [
      'a short context is a short sequence',
      { model: modelOf('generate', { ...smol, contextLength: 512 }) },
      64 * 512 * token,
    ],
    ['an engine that does not know decides itself', { memory: { ...memory, kvBytesPerToken: undefined } }, 0],
  ])('%s', (_, options, kvCacheBytes) => {
    expect(plan(options)).toMatchObject({ kvCacheBytes, slots: 64 });
  });

  test('weights as the engine says', () => {
    expect(reasonOf('weights', plan())?.value).toBe('141 MiB');
  });

  test('one byte less than a full context is refused, with the numbers and the remedy', () => {
    const needed = weights + reserve + 8192 * token;
    expect(plan({ host: hostOf({ cores: 2, free: needed }) }).kvCacheBytes).toBe(8192 * token);
    const host = hostOf({ cores: 2, free: needed - 1, total: needed - 1 + 100 * MIB });
    let error: unknown;
    try {
      plan({ host });
    } catch (caught) {
      error = caught;
    }
    if (!HostTooSmallError.isInstance(error)) throw new Error('not refused');
    expect(error).toMatchObject({ code: 'XIM_HOST_TOO_SMALL', neededBytes: needed, availableBytes: needed - 1 });
    expect(error.message).toBe(
      '[host-plan] org/model needs 705 MiB (141 MiB of weights, 384 MiB for the programs, 180 MiB of key-value cache for one full context of ' +
        '8192 tokens), but of 805 MiB only 705 MiB are free here. Give it more memory (a container: -m 821m or more), ' +
        'set XIM_KV_CACHE_BYTES=169869311 to take sequences of at most 7372 tokens, or take a smaller model.',
    );
    // The advice holds: asking for the value of the message gives a plan.
    expect(asking({ kvCacheBytes: 169_869_311 }, { host })).toMatchObject({ kvCacheBytes: 169_869_311, slots: 3 });
  });

  test('a host without room for the weights is refused without advice about the cache', () => {
    const host = hostOf({ cores: 2, free: 256 * MIB });
    expect(() => plan({ host })).toThrow(HostTooSmallError);
    expect(() => plan({ host })).toThrow(/^((?!XIM_KV_CACHE_BYTES).)*$/s);
    expect(() => asking({ kvCacheBytes: 1 * MIB }, { host })).toThrow(HostTooSmallError);
  });
});

describe('the other tasks', () => {
  test.each([
    ['embed', 2, { slots: 256, queue: 2048, batchTokens: 2048, stallMs: 60_000 }],
    ['embed', 40, { slots: 256, queue: 2048, batchTokens: 8192, stallMs: 60_000 }],
    ['transcribe', 2, { slots: 8, queue: 32, batchTokens: 0, stallMs: 120_000 }],
    ['transcribe', 17, { slots: 16, queue: 64, batchTokens: 0, stallMs: 120_000 }],
    ['transcribe', 80, { slots: 64, queue: 256, batchTokens: 0, stallMs: 120_000 }],
    ['speak', 4, { slots: 16, queue: 64, batchTokens: 0, stallMs: 60_000 }],
    ['generateImage', 2, { slots: 1, queue: 16, batchTokens: 0, stallMs: 300_000 }],
    ['generateImage', 34, { slots: 2, queue: 16, batchTokens: 0, stallMs: 300_000 }],
  ] as const)('%s on %i cores', (task, cores, expected) => {
    expect(plan({ host: hostOf({ cores }), model: modelOf(task) })).toMatchObject({ ...expected, kvCacheBytes: 0 });
  });

  test('weights alone can be too much', () => {
    const host = hostOf({ cores: 2, free: 500 * MIB });
    expect(() => plan({ host, model: modelOf('embed') })).toThrow(HostTooSmallError);
  });

  test('a cache that another service asked for does not matter to a task without a cache', () => {
    expect(asking({ kvCacheBytes: 100 * GIB }, { model: modelOf('embed') }).kvCacheBytes).toBe(0);
  });

  test('an engine without weights fits anywhere', () => {
    const nothing: MemoryNeeds = { weightBytes: 0, reserveBytes: 384 * MIB };
    const from = plan({ host: hostOf({ cores: 2, free: 100 * MIB }), model: modelOf('generate'), memory: nothing });
    expect(from).toMatchObject({ kvCacheBytes: 0, slots: 64, queue: 256 });
  });
});

describe('queue, steps, stall', () => {
  test.each([
    [1, 16],
    [4, 16],
    [5, 20],
    [64, 256],
  ])('%i slots have a queue of %i', (slots, queue) => {
    expect(asking({ slots }).queue).toBe(queue);
  });

  test.each([
    [2, 512],
    [15, 512],
    [17, 1024],
    [33, 2048],
  ])('a step on %i cores takes %i tokens', (cores, batchTokens) => {
    expect(plan({ host: hostOf({ cores }) }).batchTokens).toBe(batchTokens);
  });

  test('a step takes a token of every slot', () => {
    expect(asking({ slots: 1000 }).batchTokens).toBe(1000);
  });

  test('the stall time grows with a model whose steps are long', () => {
    // 512 tokens × 4 GB on 2 threads, at 245 tokens × 147,543,648 bytes per thread and second: 28.3 s.
    const slow = plan({ memory: heavy(4e9) });
    expect(slow.stallMs).toBe(5 * 28_328);
    expect(reasonOf('stallMs', slow)).toMatchObject({ value: '142 s' });
    expect(plan({ memory: heavy(4e10), host: hostOf({ cores: 7 }) }).stallMs).toBe(5 * 80_937);
    expect(plan({ memory: heavy(4e9), host: hostOf({ cores: 2, quota: 1.5 }) }).stallMs).toBe(5 * 56_656);
    expect(plan({ host: hostOf({ cores: 2, quota: 0.25 }) }).stallMs).toBe(240_000);
    expect(reasonOf('stallMs', asking({ stallMs: 1500 }))?.value).toBe('1.5 s');
    expect(plan().stallMs).toBe(60_000);
  });
});

describe('NUMA', () => {
  test('several nodes: all CPUs, and a line that names the faster way', () => {
    const line = reasonOf('numa', plan({ host: fixture('two-sockets-smt') }));
    expect(line?.reason).toContain(
      '(node 0: CPUs 0-3; node 1: CPUs 4-7); one container per node, with a cpuset, is faster',
    );
  });

  test('one node: no such line', () => {
    expect(reasonOf('numa', plan())).toBeUndefined();
  });
});

describe('values that are asked for', () => {
  test('overrides every planned value and says so', () => {
    const requested = { threads: 1, slots: 3, queue: 0, kvCacheBytes: GIB, stallMs: 1500 };
    const from = asking(requested);
    expect(from).toMatchObject(requested);
    for (const key of Object.keys(requested)) expect(reasonOf(key, from)?.reason, key).toMatch(/^asked for/);
    expect(plan().reasons.filter((line) => line.reason.startsWith('asked for'))).toEqual([]);
  });

  test('the rest of the plan follows it', () => {
    expect(asking({ slots: 100 }).kvCacheBytes).toBe(100 * 2048 * 23_040);
    expect(asking({ kvCacheBytes: 10 * 2048 * 23_040 }).slots).toBe(10);
    expect(asking({ kvCacheBytes: 100 * 2048 * 23_040 }).slots).toBe(64);
    expect(asking({ threads: 1 }, { memory: heavy(4e9) }).stallMs).toBe(5 * 56_656);
  });

  test('a cache below one context is allowed, and the plan says how long a sequence may be', () => {
    const from = asking({ kvCacheBytes: 1000 * 23_040 });
    expect(from).toMatchObject({ kvCacheBytes: 1000 * 23_040, slots: 1 });
    expect(reasonOf('kvCacheBytes', from)?.reason).toContain('the longest sequence is then 1000 of 8192 tokens');
  });

  test('SMT siblings may be asked for', () => {
    expect(asking({ threads: 8 }, { host: hostOf({ cores: 4, smt: 2 }) }).threads).toBe(8);
  });

  test.each([
    [{ threads: 3 }, 'XIM_THREADS=3 is more than the CPUs that this process may use: 2 (0-1). Ask for 1 to 2'],
    [{ threads: 0 }, 'XIM_THREADS=0 is not possible: expected a whole number from 1'],
    [{ threads: 1.5 }, 'XIM_THREADS=1.5'],
    [{ slots: 0 }, 'XIM_SLOTS=0'],
    [{ slots: Number.NaN }, 'XIM_SLOTS=NaN'],
    [{ queue: -1 }, 'XIM_QUEUE=-1'],
    [{ kvCacheBytes: 0 }, 'XIM_KV_CACHE_BYTES=0'],
    [{ kvCacheBytes: 23_039 }, 'XIM_KV_CACHE_BYTES=23039 does not hold one token'],
    [{ kvCacheBytes: 64 * GIB }, 'is more than the 63.5 GiB that org/model leaves'],
    [{ stallMs: 0 }, 'XIM_STALL_SECONDS=0'],
    [{ stallMs: Infinity }, 'XIM_STALL_SECONDS=Infinity'],
  ])('%j is refused', (requested, message) => {
    expect(() => asking(requested)).toThrow(PlanRequestError);
    expect(() => asking(requested)).toThrow(message);
  });
});

test('every decision has a line, and the same arguments give the same plan', () => {
  const options = { host: fixture('two-sockets-smt') };
  const keys = [
    'threads',
    'cpus',
    'isa',
    'numa',
    'weights',
    'kvCacheBytes',
    'slots',
    'queue',
    'batchTokens',
    'stallMs',
  ];
  expect(plan(options).reasons.map((line) => line.key)).toEqual(keys);
  expect(plan(options)).toEqual(plan(options));
  expect(plan(options)).not.toHaveProperty('cpus');
});
