export interface Slope {
  readonly value: number;
  /** Half of the interval that holds the slope with 95 % certainty, by the normal approximation. */
  readonly margin: number;
}

/** The slope of a line through points, by least squares; NaN of fewer than three. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): Slope {
  const count = points.length;
  if (count < 3) return { value: Number.NaN, margin: Number.NaN };
  const mean = (at: 0 | 1): number => points.reduce((sum, point) => sum + point[at], 0) / count;
  const [x, y] = [mean(0), mean(1)];
  const square = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  const value = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / square;
  const rest = points.reduce((sum, point) => sum + (point[1] - y - value * (point[0] - x)) ** 2, 0);
  return { value, margin: 1.96 * Math.sqrt(rest / (count - 2) / square) };
}

/**
 * The means of `count` runs of neighbouring points. Memory is alike from one sample to the next, and an interval of
 * the samples would be too small; means of long runs are nearly independent (batch means, Law and Kelton).
 */
export function meansOf(points: readonly (readonly [x: number, y: number])[], count: number): [x: number, y: number][] {
  const runs = Math.min(count, points.length);
  const border = (at: number): number => Math.floor((at * points.length) / runs);
  return Array.from({ length: runs }, (_, at) => {
    const run = points.slice(border(at), border(at + 1));
    const mean = (of: 0 | 1): number => run.reduce((sum, point) => sum + point[of], 0) / run.length;
    return [mean(0), mean(1)];
  });
}
