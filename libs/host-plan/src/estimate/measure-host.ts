import { Worker } from 'node:worker_threads';
import type { Host } from '@xim/engine';
import type { HostSpeed } from '../host/recording.ts';
import { countCores, fastCpus } from '../plan/plan-threads.ts';

/** Bytes of each of a thread's two buffers: beyond the caches of a core, and of a share of a socket's. */
const BUFFER = 64 * 2 ** 20;
/** Milliseconds of each of the two measurements. */
const SPAN = 500;

/**
 * Measures for about a second and a half with a thread per core that computes. The memory is that of two buffers a thread,
 * or less where an eighth of the free memory is less.
 */
export async function measureHost(host: Host): Promise<HostSpeed> {
  const cores = countCores(fastCpus(host));
  const threads = Math.max(1, Math.min(cores, Math.floor(host.cpuQuota ?? cores)));
  const bytes = Math.max(2 ** 20, Math.min(BUFFER, Math.floor(host.availableMemoryBytes / 16 / threads)));
  const results = await Promise.all(Array.from({ length: threads }, () => measureThread(bytes)));
  const median = [...results.map(({ hertz }) => hertz)].sort((a, b) => a - b)[Math.floor(threads / 2)]!;
  return { bytesPerSecond: results.reduce((sum, one) => sum + one.bytesPerSecond, 0), hertz: median };
}

function measureThread(bytes: number): Promise<HostSpeed> {
  const file = new URL('../../bin/measure-thread.js', import.meta.url);
  const worker = new Worker(file, { workerData: { bytes, span: SPAN } });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`measure-thread.js ended with code ${code} and no result`)));
  });
}
