import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Bare, ROOT, startBare } from './processes.ts';
import type { Figure } from './report.ts';
import { exactly, medianInterval } from './statistics.ts';

/** The PYTHONPATH of a bare loop that uses the project's own packages. */
export const workerPath = (...libs: string[]): string =>
  ['worker', 'engine-oneapi', 'embedding', ...libs].map((lib) => join(ROOT, 'libs', lib, 'python')).join(':');

/** 1, 2, 4 streams, as long as each has at least one thread. */
const splits = (): number[] => [1, 2, 4].filter((streams) => streams <= availableParallelism());

interface SplitOptions {
  readonly python: string;
  /** In `tools/bench`; its last arguments are the numbers of threads and streams. */
  readonly script: string;
  readonly args: readonly string[];
  /** PYTHONPATH. */
  readonly path: string;
  /** Numbers of streams to try, each with all of the machine's threads. */
  readonly streams: readonly number[];
  /** Runs per second, after a warm-up run. */
  readonly speed: (bare: Bare) => Promise<number>;
  readonly say: (line: string) => void;
}

/** A bare loop with the fastest split of this machine's cores over streams; the other loops are stopped. */
async function bestSplit(options: SplitOptions): Promise<{ readonly bare: Bare; readonly streams: number }> {
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

export interface Comparison extends Omit<SplitOptions, 'streams'> {
  /** Numbers of clients to compare with. */
  readonly clients: readonly number[];
  readonly one: (bare: Bare) => Promise<Figure[]>;
  readonly many: (bare: Bare, clients: number) => Promise<Figure[]>;
}

/** Compares a service with a bare loop: one stream for one client, the fastest split of the cores for several. */
export async function compareWithBare({ clients, one, many, ...options }: Comparison): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const count of clients) {
    const { bare, streams } = await bestSplit({ ...options, streams: count === 1 ? [1] : splits() });
    try {
      if (count === 1) figures.push(...(await one(bare)));
      else {
        figures.push({ name: `${count} clients: streams of the best bare loop`, unit: '', value: exactly(streams) });
        figures.push(...(await many(bare, count)));
      }
    } finally {
      await bare.stop();
    }
  }
  return figures;
}

/** A figure of ratios, one of each pair, with its target. */
export function ratioFigure(name: string, ratios: readonly number[], at: 'most' | 'least', value: number): Figure {
  return { name, unit: '', value: medianInterval(ratios), target: { at, value } };
}
