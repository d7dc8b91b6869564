/** Resolves when `condition` holds; fails after a time that no loaded machine needs. */
export async function until(condition: () => boolean, what: string, patienceMs = 30_000): Promise<void> {
  const start = performance.now();
  while (!condition()) {
    if (performance.now() - start > patienceMs) throw new Error(`${what}: not after ${patienceMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
