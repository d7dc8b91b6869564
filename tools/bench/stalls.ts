import { setTimeout as delay } from 'node:timers/promises';
import { openClient } from './client.ts';
import { startService } from './processes.ts';
import type { Figure } from './report.ts';
import type { Settings } from './settings.ts';
import { medianInterval } from './statistics.ts';

/** A large body, and how many clients send it at once. */
export interface StallCase {
  readonly name: string;
  readonly path: string;
  readonly body: string;
}

const AT_ONCE = [1, 8];
const PROBE_MS = 2;
/** What no other request may wait for the thread of all requests. */
const MOST_MS = 50;

/**
 * The longest time for which the service's host answers no other request while it reads bodies of megabytes: a probe of
 * its health every 2 ms, from another connection.
 */
export async function benchStalls(
  settings: Settings,
  main: string,
  cases: readonly StallCase[],
  say: (line: string) => void,
): Promise<Figure[]> {
  const service = await startService(main, settings.env);
  const figures: Figure[] = [];
  try {
    for (const { name, path, body } of cases) {
      for (const clients of AT_ONCE) {
        const longest: number[] = [];
        for (let run = 0; run <= settings.pairs; run++) {
          const stall = await longestStall(service.port, path, body, clients);
          say(`${name}, ${clients} at once, run ${run}: ${stall.toFixed(1)} ms`);
          if (run > 0) longest.push(stall);
        }
        figures.push({
          name: `${name} (${(body.length / 2 ** 20).toFixed(1)} MiB), ${clients} at once: longest stall`,
          unit: 'ms',
          value: medianInterval(longest),
          target: { at: 'most', value: MOST_MS },
        });
      }
    }
  } finally {
    await service.stop();
  }
  return figures;
}

async function longestStall(port: number, path: string, body: string, clients: number): Promise<number> {
  const senders = await Promise.all(Array.from({ length: clients }, () => openClient('127.0.0.1', port)));
  const probe = await openClient('127.0.0.1', port);
  let over = false;
  let longest = 0;
  const watch = (async () => {
    while (!over) {
      const sent = performance.now();
      const { status, last } = await probe.get('/health/live');
      if (status !== 200) throw new Error(`/health/live answered ${status}`);
      longest = Math.max(longest, last - sent);
      await delay(PROBE_MS);
    }
  })();
  try {
    // Each status is right: a body may be too long for the model, and its reading is what is measured.
    await Promise.all(senders.map((sender) => sender.post(path, body)));
  } finally {
    over = true;
    await watch;
    for (const each of [...senders, probe]) each.close();
  }
  return longest;
}
