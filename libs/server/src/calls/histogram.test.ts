import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createHistogram } from './histogram.ts';

describe('a histogram', () => {
  it('counts below and at each edge, adds up, and is written as Prometheus reads it', async () => {
    const registry = new Registry();
    registry.setDefaultLabels({ service: 'a' });
    const histogram = createHistogram(registry, { name: 'x_seconds', help: 'X', buckets: [1, 2.5] });
    histogram.observe(1);
    histogram.observe(1.5, 3);
    histogram.observe(99);
    expect((await registry.metrics()).trim().split('\n')).toEqual([
      '# HELP x_seconds X',
      '# TYPE x_seconds histogram',
      'x_seconds_bucket{le="1",service="a"} 1',
      'x_seconds_bucket{le="2.5",service="a"} 4',
      'x_seconds_bucket{le="+Inf",service="a"} 5',
      'x_seconds_sum{service="a"} 104.5',
      'x_seconds_count{service="a"} 5',
    ]);
  });

  it('cannot share its name', () => {
    const registry = new Registry();
    createHistogram(registry, { name: 'x', help: 'X', buckets: [1] });
    expect(() => createHistogram(registry, { name: 'x', help: 'X', buckets: [1] })).toThrow('already');
  });
});
