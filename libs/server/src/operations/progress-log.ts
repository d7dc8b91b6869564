import type { LoadProgress, Log } from '@xim/engine';

const QUIET_MS = 5000;

/** Passes progress on, and logs a step when it begins, then at most once in `quietMs`, by default five seconds. */
export function createProgressLog(
  log: Log,
  pass: (progress: LoadProgress) => void,
  quietMs = QUIET_MS,
): (progress: LoadProgress) => void {
  let step: string | undefined;
  let loggedAt = -Infinity;
  return (progress) => {
    pass(progress);
    const now = performance.now();
    if (progress.step === step && now - loggedAt < quietMs) return;
    ({ step } = progress);
    loggedAt = now;
    const percent = progress.fraction === undefined ? undefined : Math.round(progress.fraction * 100);
    log.info({ step, percent }, 'progress');
  };
}
