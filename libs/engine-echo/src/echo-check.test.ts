import type { Host } from '@xim/engine';
import { isRefusal } from '@xim/engine';
import { describe, expect, it } from 'vitest';
import { echo } from './echo-engine.ts';
import { echoModel } from './echo-models.ts';

const host: Host = {
  vendor: 'GenuineIntel',
  cpuModel: 'Xeon',
  isa: [],
  cpus: [],
  memoryBytes: 2 ** 30,
  availableMemoryBytes: 2 ** 30,
};

describe('check', () => {
  it('takes a model that was made for it, on any host', () => {
    const model = echoModel('embed', { dimensions: 8 });
    expect(echo.check(host, model)).toEqual({
      engine: 'echo',
      isa: [],
      options: { dimensions: 8 },
      verified: ['none'],
    });
  });

  it('refuses every other model, so that it is never chosen by itself', () => {
    const model = { ...echoModel('generate'), profiles: [{ engine: 'oneapi', isa: ['avx2'] }] };
    const outcome = echo.check(host, model);
    expect(isRefusal(outcome) && outcome.missing.join()).toContain('xim/echo-generate');
  });
});
