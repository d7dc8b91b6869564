import type { EngineFactory } from '@xim/engine';
import { generationPython } from '@xim/generation';
import { createWorkerEngine, pythonFolder, pythonWorkerSpec } from '@xim/worker';
import type { EchoOptions } from './echo-options.ts';

/** The reference engine. It takes models that were made for it and nothing else, so it is never chosen by itself. */
export const echo: EngineFactory = {
  name: 'echo',
  formats: [],
  check: (_host, model) =>
    model.profiles.find((profile) => profile.engine === 'echo') ?? {
      missing: [`a profile of ${model.id} for the engine "echo"`],
      advice: 'Use a model made by echoModel(); real models need a real engine.',
    },
  // No weights and no cache: the programs alone, which are there already.
  memory: () => ({ weightBytes: 0, reserveBytes: 0 }),
  create(options) {
    const { ranks }: EchoOptions = options.profile.options ?? {};
    const folders = [pythonFolder(import.meta.url, 'xim_engine_echo'), generationPython()];
    return createWorkerEngine(pythonWorkerSpec({ module: 'xim_engine_echo', folders, ranks }, options), {
      name: 'echo',
      create: options,
      // It has nothing to release.
      graceMs: 500,
    });
  },
};
