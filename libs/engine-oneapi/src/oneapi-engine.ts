import { delimiter } from 'node:path';
import { embeddingPython } from '@xim/embedding';
import type { EngineFactory } from '@xim/engine';
import { createWorkerEngine, pythonFolder } from '@xim/worker';
import { checkOneapi } from './check-oneapi.ts';
import { toWorkerSpec } from './oneapi-options.ts';

/** OpenVINO on oneDNN and oneTBB: text with GenAI's continuous batching, vectors with the plain runtime. */
export const oneapi: EngineFactory = {
  name: 'oneapi',
  check: checkOneapi,
  create: (options) =>
    createWorkerEngine(toWorkerSpec(options, pythonPath()), {
      name: 'oneapi',
      create: options,
    }),
};

/** The folders with this engine's Python and that of the runtimes it is built on. */
function pythonPath(): string {
  return [pythonFolder(import.meta.url, 'xim_engine_oneapi'), embeddingPython()].join(delimiter);
}
