import { embeddingPython } from '@xim/embedding';
import { checkProfiles, type EngineFactory, type EngineTraits } from '@xim/engine';
import { generationPython } from '@xim/generation';
import { createWorkerEngine, pythonFolder, pythonWorkerSpec } from '@xim/worker';
import { oneapiMemory } from './oneapi-memory.ts';

/** oneDNN has no kernels below AVX2 that are worth serving with. */
export const TRAITS: EngineTraits = { name: 'oneapi', tasks: ['generate', 'embed'], isa: ['avx2'] };

/** OpenVINO on oneDNN and oneTBB: text by paged attention, vectors by encoders. */
export const oneapi: EngineFactory = {
  name: TRAITS.name,
  formats: ['gguf', 'openvino-ir', 'onnx'],
  check: checkProfiles(TRAITS),
  memory: oneapiMemory,
  create(options) {
    const own = pythonFolder(import.meta.url, 'xim_engine_oneapi');
    const worker = { module: 'xim_engine_oneapi', folders: [own, generationPython(), embeddingPython()] };
    return createWorkerEngine(pythonWorkerSpec(worker, options), { name: TRAITS.name, create: options });
  },
};
