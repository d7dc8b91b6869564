import { audioPython } from '@xim/audio';
import { embeddingPython } from '@xim/embedding';
import { checkProfiles, type EngineFactory, type EngineTraits } from '@xim/engine';
import { generationPython } from '@xim/generation';
import { speechPython } from '@xim/speech';
import { transcriptionPython } from '@xim/transcription';
import { createWorkerEngine, pythonFolder, pythonWorkerSpec } from '@xim/worker';
import { oneapiMemory } from './oneapi-memory.ts';

/** oneDNN has no kernels below AVX2 that are worth serving with. */
export const TRAITS: EngineTraits = {
  name: 'oneapi',
  tasks: ['generate', 'embed', 'transcribe', 'speak'],
  isa: ['avx2'],
};

/**
 * OpenVINO on oneDNN and oneTBB: text by paged attention, vectors by encoders, speech by VITS; transcripts by Whisper on
 * CTranslate2.
 */
export const oneapi: EngineFactory = {
  name: TRAITS.name,
  formats: ['gguf', 'openvino-ir', 'onnx', 'ctranslate2'],
  check: checkProfiles(TRAITS),
  memory: oneapiMemory,
  create(options) {
    const folders = [
      pythonFolder(import.meta.url, 'xim_engine_oneapi'),
      generationPython(),
      embeddingPython(),
      audioPython(),
      transcriptionPython(),
      speechPython(),
    ];
    const spec = pythonWorkerSpec({ module: 'xim_engine_oneapi', folders }, options);
    return createWorkerEngine(spec, { name: TRAITS.name, create: options });
  },
};
