import { embeddingPython } from '@xim/embedding';
import type { EngineFactory } from '@xim/engine';
import { generationPython } from '@xim/generation';
import { createWorkerEngine, pythonFolder } from '@xim/worker';
import { checkOneapi } from './check-oneapi.ts';
import { toWorkerSpec } from './oneapi-options.ts';

/** OpenVINO on oneDNN and oneTBB: text by paged attention, vectors by encoders. */
export const oneapi: EngineFactory = {
  name: 'oneapi',
  check: checkOneapi,
  create: (options) =>
    createWorkerEngine(
      toWorkerSpec(options, [
        pythonFolder(import.meta.url, 'xim_engine_oneapi'),
        generationPython(),
        embeddingPython(),
      ]),
      { name: 'oneapi', create: options },
    ),
};
