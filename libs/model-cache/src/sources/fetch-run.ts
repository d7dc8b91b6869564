import { mkdir, rm } from 'node:fs/promises';
import { type Hub, PUBLIC_HUB } from '../hub/hub-settings.ts';
import type { FetchProgress } from '../transfer/format-progress.ts';
import type { FetchRun } from './source.ts';

/** The shortest interval between two reports of progress, except the first and the last of a transfer. */
const PROGRESS_MS = 100;

/** The part of the options of a fetch that its sources need. */
export interface RunOptions {
  /** A Python whose pip finds packages; only used when something is missing. */
  readonly python: string;
  /** How the hub is reached; without it the public one, without a token. Keep one per process: it remembers. */
  readonly hub?: Hub | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
}

/** The context of the sources. Nothing is opened or created yet. */
export function createRun(partialFolder: string, options: RunOptions): FetchRun {
  const done = new Map<string, Promise<string>>();
  let last = -Infinity;
  return {
    partialFolder,
    python: options.python,
    hub: options.hub ?? { endpoint: PUBLIC_HUB, token: undefined },
    signal: options.signal,
    report(progress) {
      const now = performance.now();
      const { receivedBytes, totalBytes } = progress;
      if (now - last < PROGRESS_MS && receivedBytes > 0 && receivedBytes !== totalBytes) return;
      last = now;
      options.onProgress?.(progress);
    },
    once(key, work) {
      const result = done.get(key) ?? work();
      done.set(key, result);
      return result;
    },
    async discard() {
      done.clear();
      await rm(partialFolder, { recursive: true, force: true });
      await mkdir(partialFolder, { recursive: true });
    },
  };
}
