import { tmpdir } from 'node:os';
import { embeddingPython } from '@xim/embedding';
import { checkProfiles, type EngineFactory, type EngineTraits, type Task } from '@xim/engine';
import { generationPython } from '@xim/generation';
import { createWorkerEngine, pythonFolder, pythonWorkerSpec } from '@xim/worker';
import { ipexMemory } from './ipex-memory.ts';

/** PyTorch has no kernels below AVX2 that are worth serving with. */
export const TRAITS: EngineTraits = {
  name: 'ipex',
  tasks: ['generate', 'embed', 'rerank', 'generateImage'],
  isa: ['avx2'],
};

/** The Python that the handler of a task imports, beside its own; a bundle holds that of its service's task only. */
export const PYTHON: Partial<Record<Task, readonly (() => string)[]>> = {
  generate: [generationPython],
  embed: [embeddingPython],
  rerank: [embeddingPython],
};

/** PyTorch on oneDNN, with Intel's extension where it is installed: text and vectors by Transformers, pictures by diffusers. */
export const ipex: EngineFactory = {
  name: TRAITS.name,
  formats: ['safetensors'],
  check: checkProfiles(TRAITS),
  memory: ipexMemory,
  create(options) {
    const own = pythonFolder(import.meta.url, 'xim_engine_ipex');
    const folders = [own, ...(PYTHON[options.model.task] ?? []).map((folderOf) => folderOf())];
    const spec = pythonWorkerSpec({ module: 'xim_engine_ipex', folders, env: ENVIRONMENT }, options);
    return createWorkerEngine(spec, { name: TRAITS.name, create: options });
  },
};

const ENVIRONMENT = {
  // oneDNN and PyTorch keep kernels and scratch for every shape that they have seen; sizes of pictures are many.
  ONEDNN_PRIMITIVE_CACHE_CAPACITY: '256',
  LRU_CACHE_CAPACITY: '256',
  // PyTorch makes this folder, although nothing here is compiled: one that is there leaves nothing behind.
  TORCHINDUCTOR_CACHE_DIR: tmpdir(),
  // Advice to people who train.
  TRANSFORMERS_VERBOSITY: 'error',
  DIFFUSERS_VERBOSITY: 'error',
};
