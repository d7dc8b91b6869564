/**
 * Runs a job in a turn of the event loop of its own: one job per turn, in the order of arrival. Megabytes of JSON are
 * read and written in such jobs, so the other requests have their turn between two jobs, however many large bodies come
 * at once.
 *
 * Resolves, or rejects, with the outcome of the job.
 */
export type RunInTurn = <T>(job: () => T) => Promise<T>;

export function createLoopTurns(): RunInTurn {
  const waiting: (() => void)[] = [];
  const next = (): void => {
    waiting[0]!(); // it stays in the list while it runs, so a job that it adds starts no second chain
    waiting.shift();
    if (waiting.length > 0) setImmediate(next);
  };
  return (job) =>
    new Promise((resolve, reject) => {
      waiting.push(() => {
        try {
          resolve(job());
        } catch (error) {
          reject(error as Error);
        }
      });
      if (waiting.length === 1) setImmediate(next);
    });
}

/** The jobs of all servers of this process, which has one event loop. */
export const runInTurn: RunInTurn = createLoopTurns();

/**
 * JSON of a list whose elements cost time to write: `perTurn` elements in each turn of the event loop.
 *
 * @param toValue the JSON value of an element
 */
export async function toListJson<T>(
  items: readonly T[],
  perTurn: number,
  toValue: (item: T, index: number) => unknown,
): Promise<string> {
  const pieces: string[] = [];
  for (let from = 0; from < items.length; from += perTurn) {
    const write = (): string =>
      JSON.stringify(items.slice(from, from + perTurn).map((item, i) => toValue(item, from + i))).slice(1, -1);
    pieces.push(items.length <= perTurn ? write() : await runInTurn(write));
  }
  return `[${pieces.join()}]`;
}
