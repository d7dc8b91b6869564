import { audioPython } from '@xim/audio';
import { embeddingPython } from '@xim/embedding';
import { checkProfiles, type EngineFactory, type EngineTraits, type Task } from '@xim/engine';
import { generationPython } from '@xim/generation';
import { speechPython } from '@xim/speech';
import { transcriptionPython } from '@xim/transcription';
import { createWorkerEngine, pythonFolder, pythonWorkerSpec } from '@xim/worker';
import { oneapiMemory } from './oneapi-memory.ts';

/** oneDNN has no kernels below AVX2 that are worth serving with. */
export const TRAITS: EngineTraits = {
  name: 'oneapi',
  tasks: ['generate', 'embed', 'rerank', 'transcribe', 'speak'],
  isa: ['avx2'],
};

/** The Python packages that the handler of a task imports. A bundle holds only the packages of its service's task. */
export const PYTHON: Partial<Record<Task, readonly (() => string)[]>> = {
  generate: [generationPython],
  embed: [embeddingPython],
  rerank: [embeddingPython],
  transcribe: [transcriptionPython, audioPython, embeddingPython],
  speak: [speechPython, audioPython],
};

/**
 * OpenVINO on oneDNN and oneTBB: text by paged attention, vectors by encoders, speech by VITS; transcripts by Whisper on
 * CTranslate2.
 */
export const oneapi: EngineFactory = {
  name: TRAITS.name,
  formats: ['gguf', 'openvino-ir', 'onnx', 'ctranslate2'],
  exact: ['generate'],
  check: checkProfiles(TRAITS),
  memory: oneapiMemory,
  create(options) {
    const own = pythonFolder(import.meta.url, 'xim_engine_oneapi');
    const folders = [own, ...(PYTHON[options.model.task] ?? []).map((folderOf) => folderOf())];
    const spec = pythonWorkerSpec({ module: 'xim_engine_oneapi', folders }, options);
    return createWorkerEngine(spec, { name: TRAITS.name, create: options });
  },
};
