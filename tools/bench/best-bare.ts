import { join } from 'node:path';
import { type Bare, ROOT, startBare } from './processes.ts';

export interface BestBare {
  readonly bare: Bare;
  readonly threads: number;
}

/**
 * A bare loop with the fastest thread count of this machine, found by trials; the other loops are stopped.
 *
 * @param script in `tools/bench`; its last argument is the number of threads
 * @param speed items per second of a run, after a warm-up run
 */
export async function bestBare(
  { python, threads }: { python: string; threads: readonly number[] },
  script: string,
  args: readonly string[],
  speed: (bare: Bare) => Promise<number>,
  say: (line: string) => void,
): Promise<BestBare> {
  let best: (BestBare & { speed: number }) | undefined;
  for (const count of threads) {
    const bare = startBare(python, join(ROOT, 'tools/bench', script), [...args, String(count)]);
    await speed(bare);
    const found = await speed(bare);
    say(`bare loop with ${count} threads: ${found.toFixed(0)} per second`);
    if (best !== undefined && found <= best.speed) {
      await bare.stop();
      continue;
    }
    await best?.bare.stop();
    best = { bare, threads: count, speed: found };
  }
  if (best === undefined) throw new Error('no thread count to try');
  return best;
}
