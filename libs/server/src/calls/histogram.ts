import type { Metric, Registry } from 'prom-client';

/** A histogram without labels of its own, cheap enough for every token: prom-client's hashes its labels on each observation. */
export interface Histogram {
  /** Counts `value` as if it was seen `times` times. */
  observe(value: number, times?: number): void;
}

export function createHistogram(
  registry: Registry,
  options: { name: string; help: string; buckets: readonly number[] },
): Histogram {
  const { name, help, buckets } = options;
  const counts = new Float64Array(buckets.length + 1); // the last is +Inf
  let sum = 0;

  const values = () => {
    let below = 0;
    const lines = [...buckets, '+Inf'].map((le, i) => {
      below += counts[i]!;
      return { metricName: `${name}_bucket`, labels: { le }, value: below };
    });
    return [
      ...lines,
      { metricName: `${name}_sum`, labels: {}, value: sum },
      { metricName: `${name}_count`, labels: {}, value: below },
    ];
  };

  // The part of prom-client's interface that a registry uses.
  const metric = {
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    get: async () => ({ name, help, type: 'histogram', aggregator: 'sum', values: values() }),
    reset() {
      counts.fill(0);
      sum = 0;
    },
  };
  registry.registerMetric(metric as unknown as Metric);

  return {
    observe(value, times = 1) {
      let bucket = 0;
      while (bucket < buckets.length && value > buckets[bucket]!) bucket++;
      counts[bucket]! += times;
      sum += value * times;
    },
  };
}
