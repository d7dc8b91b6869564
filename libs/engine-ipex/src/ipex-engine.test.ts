import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, isRefusal } from '@xim/engine';
import { describeEngine } from '@xim/engine/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import { generateImageSamples } from './__fixtures__/generate-image-samples.ts';
import { missing, model, python, writePipelines } from './__fixtures__/pipelines.ts';
import { ipex, TRAITS } from './ipex-engine.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const plan = { threads: 2, slots: 2, queue: 64, kvCacheBytes: 0, batchTokens: 0, stallMs: 60_000, reasons: [] };
const host = { vendor: '', cpuModel: '', isa: ['avx2'], cpus: [], memoryBytes: 2 ** 33, availableMemoryBytes: 2 ** 33 };

it('takes the tasks that package.json promises', () => {
  expect(packageJson.xim.tasks).toEqual(TRAITS.tasks);
});

if (missing) console.warn(missing);
describe.skipIf(missing)('with PyTorch', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'xim-pipelines-'));
    writePipelines(folder, ['sd']);
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function create(name: string, interpreter = python): Engine {
    const profile = ipex.check(host, model);
    if (isRefusal(profile)) throw new Error(profile.missing.join());
    return ipex.create({ profile, plan, model, modelPath: join(folder, name), python: interpreter, log });
  }

  describeEngine({
    name: 'ipex: generateImage',
    create: () => create('sd'),
    createFaulty: (fault) => (fault === 'permanent' ? create('nowhere') : create('sd', '/bin/ls')),
    samples: { generateImage: generateImageSamples },
    concurrent: 12,
  });
});
