import { tmpdir } from 'node:os';
import { embeddingPython } from '@xim/embedding';
import { checkProfiles, type EngineFactory, type EngineTraits, type Task } from '@xim/engine';
import { generationPython } from '@xim/generation';
import { createWorkerEngine, pythonFolder, pythonWorkerSpec } from '@xim/worker';
import { ipexMemory } from './ipex-memory.ts';

/** Without AVX2 the kernels of PyTorch are too slow to serve. */
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
  // oneDNN and PyTorch keep kernels and scratch memory for every shape, and pictures have many sizes.
  ONEDNN_PRIMITIVE_CACHE_CAPACITY: '256',
  LRU_CACHE_CAPACITY: '256',
  // PyTorch makes this folder, although nothing is compiled here. An existing folder leaves nothing behind.
  TORCHINDUCTOR_CACHE_DIR: tmpdir(),
  // The libraries print advice for training.
  TRANSFORMERS_VERBOSITY: 'error',
  DIFFUSERS_VERBOSITY: 'error',
};
