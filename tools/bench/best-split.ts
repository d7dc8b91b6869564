import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Bare, ROOT, startBare } from './processes.ts';

/** The PYTHONPATH of a bare loop that uses the project's own packages. */
export const workerPath = (...libs: string[]): string =>
  ['worker', 'engine-oneapi', 'embedding', ...libs].map((lib) => join(ROOT, 'libs', lib, 'python')).join(':');

/** 1, 2, 4 streams, as far as each has a thread of its own. */
export const splits = (): number[] => [1, 2, 4].filter((streams) => streams <= availableParallelism());

export interface SplitOptions {
  readonly python: string;
  /** In `tools/bench`; its last arguments are the number of threads and that of streams. */
  readonly script: string;
  readonly args: readonly string[];
  /** PYTHONPATH. */
  readonly path: string;
  /** Numbers of streams to try, each with all of the machine's threads. */
  readonly streams: readonly number[];
  /** Runs per second, after one that warmed up. */
  readonly speed: (bare: Bare) => Promise<number>;
  readonly say: (line: string) => void;
}

/** A bare loop with the split of the machine's cores over streams that is fastest here; the others are stopped. */
export async function bestSplit(options: SplitOptions): Promise<{ readonly bare: Bare; readonly streams: number }> {
  const { python, script, args, path, speed, say } = options;
  const threads = availableParallelism();
  let best: { bare: Bare; streams: number; speed: number } | undefined;
  for (const streams of options.streams) {
    const bare = startBare(python, join(ROOT, 'tools/bench', script), [...args, String(threads), String(streams)], {
      PYTHONPATH: path,
    });
    await speed(bare);
    // With nothing to choose, warming up is enough.
    if (options.streams.length === 1) return { bare, streams };
    const found = await speed(bare);
    say(`bare loop with ${streams} streams: ${found.toFixed(3)} runs per second`);
    const worse = best !== undefined && found <= best.speed ? bare : best?.bare;
    if (worse !== bare) best = { bare, streams, speed: found };
    await worse?.stop();
  }
  if (best === undefined) throw new Error('no number of streams to try');
  return best;
}
