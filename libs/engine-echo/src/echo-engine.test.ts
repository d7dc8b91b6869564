import type { Engine, Task } from '@xim/engine';
import { describeEngine, type EngineSuite } from '@xim/engine/testing';
import { echo } from './echo-engine.ts';
import { echoModel } from './echo-models.ts';
import type { EchoOptions } from './echo-options.ts';
import { samples } from './__fixtures__/samples.ts';
import { python } from './__fixtures__/python.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const plan = { threads: 1, slots: 4, queue: 64, kvCacheBytes: 0, batchTokens: 128, stallMs: 10_000, reasons: [] };

function create(task: Task, options: EchoOptions): Engine {
  const model = echoModel(task, options);
  return echo.create({ profile: model.profiles[0]!, plan, model, modelPath: '', python, log });
}

function describeEcho(task: Task, options: EchoOptions): void {
  const suite: EngineSuite = {
    name: `echo: ${task}${options.ranks ? `, ${options.ranks} ranks` : ''}`,
    create: () => create(task, options),
    createFaulty: (failStart) => create(task, { ...options, faults: { failStart } }),
    samples: { [task]: samples[task] },
  };
  describeEngine(suite);
}

describeEcho('generate', { rate: 1000, contextLength: 250_000 });
describeEcho('generate', { rate: 1000, contextLength: 250_000, ranks: 3 });
describeEcho('embed', { rate: 200 });
describeEcho('rerank', { rate: 200 });
describeEcho('transcribe', { rate: 1000 });
describeEcho('speak', { rate: 400 });
describeEcho('generateImage', { rate: 1000 });
