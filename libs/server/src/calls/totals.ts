import { Counter, Gauge, type Registry } from 'prom-client';

/** A counter whose value is read when the metrics are; no sample where there is no value. */
export function addTotal(
  registry: Registry,
  name: string,
  help: string,
  value: () => number | undefined,
  labels: Readonly<Record<string, string>> = {},
): void {
  new Counter({
    name,
    help,
    labelNames: Object.keys(labels),
    registers: [registry],
    collect() {
      const found = value();
      this.reset();
      if (found !== undefined) this.inc(labels, found);
      // Without labels a reset leaves a zero.
      else this.remove(labels);
    },
  });
}

/** A gauge whose value is read when the metrics are; no sample where there is none. */
export function addGauge(
  registry: Registry,
  name: string,
  help: string,
  value: () => number | undefined,
  labels: Readonly<Record<string, string>>,
): void {
  new Gauge({
    name,
    help,
    labelNames: Object.keys(labels),
    registers: [registry],
    collect() {
      const found = value();
      this.reset();
      if (found !== undefined) this.set(labels, found);
      else this.remove(labels);
    },
  });
}
