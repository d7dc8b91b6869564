import { join } from 'node:path';
import { type Bare, ROOT, startBare } from './processes.ts';
import { quantile } from './statistics.ts';

export interface BestBare {
  readonly bare: Bare;
  readonly threads: number;
}

/** Trials of each thread count, in turn; the median counts, since the speed of a machine changes from second to second. */
const TRIALS = 3;

/**
 * A bare loop with the fastest thread count of this machine, found by trials; the other loops are stopped.
 *
 * @param script in `tools/bench`; its last argument is the number of threads
 * @param speed items per second of a run
 */
export async function bestBare(
  { python, threads }: { python: string; threads: readonly number[] },
  script: string,
  args: readonly string[],
  speed: (bare: Bare) => Promise<number>,
  say: (line: string) => void,
): Promise<BestBare> {
  const tried = threads.map((count) => ({
    threads: count,
    bare: startBare(python, join(ROOT, 'tools/bench', script), [...args, String(count)]),
    speeds: [] as number[],
  }));
  try {
    for (const { bare } of tried) await speed(bare);
    for (let trial = 0; trial < TRIALS; trial++) for (const one of tried) one.speeds.push(await speed(one.bare));
  } catch (error) {
    // One that still runs would keep the benchmark from ending.
    await Promise.all(tried.map(({ bare }) => bare.stop()));
    throw error;
  }
  for (const one of tried)
    say(`bare loop with ${one.threads} threads: ${quantile(one.speeds, 0.5).toFixed(1)} per second`);
  const [best, ...others] = tried.sort((a, b) => quantile(b.speeds, 0.5) - quantile(a.speeds, 0.5));
  if (best === undefined) throw new Error('no thread count to try');
  for (const { bare } of others) await bare.stop();
  return best;
}
