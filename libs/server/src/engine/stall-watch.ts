import type { Engine } from '@xim/engine';

export interface StallWatchOptions {
  readonly engine: Pick<Engine, 'lastProgress'>;
  readonly stallMs: number;
  /** Calls whose reader waits for the engine now. */
  pendingReads(): number;
  /** Once. */
  onStall(silentMs: number): void;
}

/**
 * Watches an engine for silence while somebody waits for it. This process may itself have been held up (a debugger, a
 * suspended machine, a starved container): then the engine's signs of life are still unread, so its silence counts from
 * the moment at which this process went on. Returns what stops watching.
 */
export function watchForStall({ engine, stallMs, pendingReads, onStall }: StallWatchOptions): () => void {
  const periodMs = Math.max(5, Math.min(1000, stallMs / 5));
  let lastLook = performance.now();
  let awakeSince = lastLook;
  const timer = setInterval(() => {
    const now = performance.now();
    if (now - lastLook > periodMs + Math.max(periodMs, 250)) awakeSince = now;
    lastLook = now;
    if (pendingReads() === 0) return;
    const silentMs = now - Math.max(engine.lastProgress, awakeSince);
    if (silentMs <= stallMs) return;
    clearInterval(timer);
    onStall(silentMs);
  }, periodMs);
  return () => clearInterval(timer);
}
