import type { CreateOptions, EngineFactory, Task } from '@xim/engine';
import { generationPython } from '@xim/generation';
import { createWorkerEngine, pythonFolder, pythonWorkerSpec, type WorkerSpec } from '@xim/worker';
import { checkXft } from './xft-check.ts';
import { xftMemory } from './xft-memory.ts';
import type { XftOptions } from './xft-options.ts';
import { toRanksCommand } from './xft-ranks.ts';

export const TASKS: readonly Task[] = ['generate'];

/**
 * Exit codes of a process in which the library cannot run: SIGILL as a launcher reports it, and `exit(-1)` of a kernel on
 * a CPU of another vendor or for a missing dtype. Another start would have the same end.
 */
const HOPELESS_CODES = [132, 255];

/**
 * glibc fills memory of `malloc` with zeros (the complement of the value, mallopt(3)). The library reads parts of its
 * buffers that it never wrote. With data of other code there, prompts gave NaN as logits.
 */
const ZEROED_HEAP = { MALLOC_PERTURB_: '255' };

/** xFasterTransformer: text, on Intel Xeon with AVX-512 and AMX. One process, or one for each NUMA node. */
export const xft: EngineFactory = {
  name: 'xft',
  formats: ['xft'],
  check: checkXft,
  memory: xftMemory,
  create: (options) =>
    createWorkerEngine(toSpec(options), { name: 'xft', create: options, hopelessCodes: HOPELESS_CODES }),
};

function toSpec(options: CreateOptions): WorkerSpec {
  const folders = [pythonFolder(import.meta.url, 'xim_engine_xft'), generationPython()];
  const env = { SINGLE_INSTANCE: '1', ...ZEROED_HEAP };
  const spec = pythonWorkerSpec({ module: 'xim_engine_xft', folders, env }, options);
  const { places = [] }: XftOptions = options.profile.options ?? {};
  if (places.length === 0 || options.handler !== undefined) return spec;
  const { python, plan } = options;
  const ranks = toRanksCommand({ python, rank: spec.command, places, threads: plan.threads });
  return { ...spec, command: ranks.command, env: { ...spec.env, ...ranks.env }, ranks: places.length };
}
