/** Tests may replace the timers and the clock of JavaScript. This timer and the clock of the process stay real. */
const { setTimeout } = globalThis;

/** Resolves when `condition` holds. Rejects after `patienceMs`, which exceeds the need of a loaded machine. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  expected: string,
  patienceMs = 30_000,
): Promise<void> {
  const end = process.hrtime.bigint() + BigInt(patienceMs) * 1_000_000n;
  while (!(await condition())) {
    if (process.hrtime.bigint() > end) throw new Error(`${expected}: not after ${patienceMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
