import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { Engine, Task } from '../index.ts';
import { abortAfter, collect, isStreamed, open, samplesOf, type Shared, sharedAbort, tasksOf } from './calls.ts';
import type { EngineSuite } from './samples.ts';

/** Bytes. A forgotten entry with its closures is larger, and a measurement of the heap is not more exact. */
const BYTES_PER_CALL = 2048;
const NOISE_BYTES = 256 * 1024;

export function describeLeaks(suite: EngineSuite, shared: Shared): void {
  describe.each(tasksOf(suite))('after calls of %s', (task) => {
    it('no listener stays on a signal that many calls share', async () => {
      const { signal } = sharedAbort();
      await Promise.all(Array.from({ length: 8 }, () => callOnce(suite, shared.engine, task, signal)));
      expect(getEventListeners(signal, 'abort').length).toBe(0);
    });

    it('no memory stays', async () => {
      const calls = suite.concurrent ?? 200;
      const { signal } = sharedAbort();
      const run = async () => {
        for (let done = 0; done < calls; done += 20) {
          await Promise.all(Array.from({ length: 20 }, () => callOnce(suite, shared.engine, task, signal)));
        }
      };
      await run();
      const before = usedHeap();
      await run();
      const grown = usedHeap() - before;
      expect(grown, 'bytes by which the heap grew').toBeLessThan(calls * BYTES_PER_CALL + NOISE_BYTES);
    });
  });
}

/** One call that ends, one that is left, one that is late. */
async function callOnce(suite: EngineSuite, engine: Engine, task: Task, signal: AbortSignal): Promise<void> {
  const { quick, long } = samplesOf(suite, task);
  await collect(open(engine, task, quick, { signal }));
  if (isStreamed(task)) for await (const _ of open(engine, task as Task, long, { signal })) break;
  await collect(open(engine, task, quick, { signal: abortAfter(1) })).catch(() => undefined);
}

function usedHeap(): number {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  for (let round = 0; round < 3; round++) collectGarbage();
  return process.memoryUsage().heapUsed;
}
