import type { Task } from '@xim/engine';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createEnergyMeter, type EnergySources } from './energy.ts';

interface Reading {
  readonly joules?: number;
  readonly own: number;
  readonly busy?: number;
}

function meterOf(
  readings: readonly Reading[],
  config: { wattsPerCore?: number; carbonGramsPerKwh?: number } = {},
  task: Task = 'generate',
) {
  let at = 0;
  const sources: EnergySources = {
    rapl: () => {
      const { joules } = readings[at]!;
      return joules === undefined
        ? []
        : [{ name: 'package-0', microjoules: (joules * 1e6) % 2e8, rangeMicrojoules: 2e8 }];
    },
    processSeconds: () => readings[at]!.own,
    busySeconds: () => readings[at]!.busy,
  };
  const registry = new Registry();
  const units = {
    tokens: { input: 0, cached: 0, output: 0 },
    audio: { seconds: 0, characters: 0 },
    images: { count: 0, pixels: 0, steps: 0 },
  };
  const meter = createEnergyMeter({
    task,
    config: { wattsPerCore: undefined, carbonGramsPerKwh: undefined, ...config },
    metrics: { registry, ...units },
    sources,
  });
  const read = (reading: number): void => {
    at = reading;
    meter!.sample();
  };
  return { meter, units, registry, read };
}

describe('energy', () => {
  it('of the counters is divided by CPU time', () => {
    // 100 J while the machine computed 20 s, 5 of them here; then 120 J, through the end of the counter, all of them here.
    const { meter, read } = meterOf([
      { joules: 0, own: 1, busy: 10 },
      { joules: 100, own: 6, busy: 30 },
      { joules: 220, own: 16, busy: 40 },
    ]);
    read(1);
    expect(meter!.report()).toMatchObject({ source: 'rapl', joules: 25 });
    read(2);
    expect(meter!.report().joules).toBeCloseTo(145);
  });

  it('is an estimate, and says so, where there are no counters', () => {
    const { meter, read } = meterOf([{ own: 1 }, { own: 3 }], { wattsPerCore: 5 });
    read(1);
    expect(meter!.report()).toMatchObject({ source: 'estimate', joules: 10 });
  });

  it('is absent where nothing is known', async () => {
    const { meter, registry } = meterOf([{ own: 1 }]);
    expect(meter).toBeUndefined();
    expect(await registry.metrics()).not.toContain('xim_');
    // Counters without the machine's CPU time cannot be divided.
    expect(meterOf([{ joules: 1, own: 1 }]).meter).toBeUndefined();
  });

  it.each([
    ['generate', 'token', { output: 50 }, 0, 0],
    ['embed', 'token', { input: 50 }, 0, 0],
    ['transcribe', 'audio second', {}, 50, 0],
    ['speak', 'audio second', {}, 50, 0],
    ['generateImage', 'picture', {}, 0, 50],
  ] as const)('of %s is told per %s', (task, unit, tokens, seconds, images) => {
    const { meter, units, read } = meterOf(
      [{ own: 0 }, { own: 100 }],
      { wattsPerCore: 36, carbonGramsPerKwh: 500 },
      task,
    );
    read(1);
    expect(meter!.report().joulesPerUnit).toBeUndefined();
    Object.assign(units.tokens, tokens);
    units.audio.seconds = seconds;
    units.images.count = images;
    // 3,600 J are a thousandth of a kilowatt hour.
    expect(meter!.report()).toEqual({
      source: 'estimate',
      joules: 3600,
      unit,
      joulesPerUnit: 72,
      carbonGrams: 0.5,
      carbonGramsPerUnit: 0.01,
    });
  });

  it('is a metric with its source; CO2 only with a carbon intensity', async () => {
    const { registry, units, read } = meterOf([{ own: 0 }, { own: 100 }], { wattsPerCore: 36, carbonGramsPerKwh: 500 });
    read(1);
    expect(await registry.metrics()).not.toContain('per_unit{');
    units.tokens.output = 50;
    const lines = (await registry.metrics()).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'xim_energy_joules_total{source="estimate"} 3600',
        'xim_energy_joules_per_unit{source="estimate",unit="token"} 72',
        'xim_carbon_grams_total{source="estimate"} 0.5',
        'xim_carbon_grams_per_unit{source="estimate",unit="token"} 0.01',
      ]),
    );
    const without = meterOf([{ own: 0 }], { wattsPerCore: 36 });
    expect(await without.registry.metrics()).not.toContain('carbon');
  });
});
