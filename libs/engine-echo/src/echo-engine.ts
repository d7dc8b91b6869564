import type { EngineFactory } from '@xim/engine';
import { generationPython } from '@xim/generation';
import { createWorkerEngine, pythonFolder } from '@xim/worker';
import { toWorkerSpec } from './echo-options.ts';

/** The reference engine. It takes models that were made for it and nothing else, so it is never chosen by itself. */
export const echo: EngineFactory = {
  name: 'echo',
  check: (_host, model) =>
    model.profiles.find((profile) => profile.engine === 'echo') ?? {
      missing: [`a profile of ${model.id} for the engine "echo"`],
      advice: 'Use a model made by echoModel(); real models need a real engine.',
    },
  create: (options) =>
    createWorkerEngine(toWorkerSpec(options, [pythonFolder(import.meta.url, 'xim_engine_echo'), generationPython()]), {
      name: 'echo',
      create: options,
      // It has nothing to release.
      graceMs: 500,
    }),
};
