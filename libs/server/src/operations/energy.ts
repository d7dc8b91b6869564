import type { Task } from '@xim/engine';
import { type EnergyCounter, joulesBetween, readBusySeconds, readProcessSeconds, readRapl } from '@xim/host-plan';
import fp from 'fastify-plugin';
import type { Metrics } from '../calls/metrics.ts';
import { addGauge, addTotal } from '../calls/totals.ts';
import type { Config } from '../config/config.ts';

/** Counters of the CPU come around after minutes at full power, so they are read more often. */
const INTERVAL_MS = 10_000;
const JOULES_PER_KWH = 3.6e6;

/** The readings that energy follows from. */
export interface EnergySources {
  rapl(): readonly EnergyCounter[];
  /** CPU seconds of this service: host, worker and their children. */
  processSeconds(): number;
  /** CPU seconds of the whole machine; absent where the kernel does not say. */
  busySeconds(): number | undefined;
}

export const systemSources: EnergySources = {
  rapl: readRapl,
  processSeconds: () => readProcessSeconds(process.pid),
  busySeconds: readBusySeconds,
};

export interface EnergyReport {
  /** `rapl`: measured for the machine, divided by CPU time. `estimate`: CPU time × XIM_WATTS_PER_CORE. */
  readonly source: 'rapl' | 'estimate';
  /** Since the start of this process. */
  readonly joules: number;
  readonly unit: 'token' | 'audio second' | 'picture';
  /** Absent before the first unit. */
  readonly joulesPerUnit?: number | undefined;
  /** Absent without XIM_CARBON_GRAMS_PER_KWH. */
  readonly carbonGrams?: number | undefined;
  readonly carbonGramsPerUnit?: number | undefined;
}

export interface EnergyMeter {
  /** Reads the counters and adds what this service used since the last time. */
  sample(): void;
  report(): EnergyReport;
}

const UNITS: Readonly<Record<Task, EnergyReport['unit']>> = {
  generate: 'token',
  embed: 'token',
  rerank: 'token',
  transcribe: 'audio second',
  speak: 'audio second',
  generateImage: 'picture',
};

/** Units done so far: tokens written, of a service of vectors tokens read; seconds of audio; pictures. */
function unitsOf(task: Task, { tokens, audio, images }: Pick<Metrics, 'tokens' | 'audio' | 'images'>): number {
  if (task === 'generateImage') return images.count;
  if (task === 'transcribe' || task === 'speak') return audio.seconds;
  return task === 'generate' ? tokens.output : tokens.input;
}

interface EnergyParts {
  readonly task: Task;
  readonly config: Pick<Config, 'wattsPerCore' | 'carbonGramsPerKwh'>;
  readonly metrics: Pick<Metrics, 'registry' | 'tokens' | 'audio' | 'images'>;
  readonly sources?: EnergySources | undefined;
}

/**
 * The energy of this service, as metrics and for `/v1/metadata`. The counters of the CPU count the whole machine: a
 * service's part is that of the CPU time in which the machine computed. Undefined where the machine shows no counters and no
 * XIM_WATTS_PER_CORE says what a core takes: then there is no metric, since nothing is known.
 */
export function createEnergyMeter({
  task,
  config,
  metrics,
  sources = systemSources,
}: EnergyParts): EnergyMeter | undefined {
  const { wattsPerCore, carbonGramsPerKwh } = config;
  const isMeasured = sources.rapl().length > 0 && sources.busySeconds() !== undefined;
  if (!isMeasured && wattsPerCore === undefined) return undefined;
  const source = isMeasured ? 'rapl' : 'estimate';
  const read = () => ({ counters: sources.rapl(), own: sources.processSeconds(), busy: sources.busySeconds() ?? 0 });
  let last = read();
  let joules = 0;

  const sample = (): void => {
    const next = read();
    // A child that ended unseen can lower the sum of CPU times.
    const own = Math.max(0, next.own - last.own);
    if (!isMeasured) joules += own * (wattsPerCore ?? 0);
    else if (next.busy > last.busy) {
      joules += joulesBetween(last.counters, next.counters) * Math.min(1, own / (next.busy - last.busy));
    } else return;
    last = next;
  };
  const toGrams = (value: number | undefined): number | undefined =>
    value === undefined || carbonGramsPerKwh === undefined ? undefined : (value / JOULES_PER_KWH) * carbonGramsPerKwh;
  const perUnit = (): number | undefined => {
    const units = unitsOf(task, metrics);
    return units > 0 ? joules / units : undefined;
  };

  const { registry } = metrics;
  const unit = UNITS[task];
  const total = (): number => {
    sample();
    return joules;
  };
  addTotal(registry, 'xim_energy_joules_total', 'Energy of this service; source says whether it is measured', total, {
    source,
  });
  const help = 'Energy of this service since its start, by the units of output that it made';
  addGauge(registry, 'xim_energy_joules_per_unit', help, perUnit, { source, unit });
  if (carbonGramsPerKwh !== undefined) {
    const grams = 'Grams of CO2 of this energy, by XIM_CARBON_GRAMS_PER_KWH';
    addTotal(registry, 'xim_carbon_grams_total', grams, () => toGrams(joules) ?? 0, { source });
    addGauge(registry, 'xim_carbon_grams_per_unit', `${grams}, by unit`, () => toGrams(perUnit()), { source, unit });
  }
  return {
    sample,
    report() {
      sample();
      return {
        ...{ source, joules, unit, joulesPerUnit: perUnit() },
        ...{ carbonGrams: toGrams(joules), carbonGramsPerUnit: toGrams(perUnit()) },
      };
    },
  };
}

/** Samples until the server closes. */
export const energyTimer = fp<{ meter: EnergyMeter }>(
  async (app, { meter }) => {
    const timer = setInterval(() => meter.sample(), INTERVAL_MS).unref();
    app.addHook('onClose', async () => clearInterval(timer));
  },
  { name: 'energy-timer' },
);
