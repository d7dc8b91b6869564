import { tmpdir } from 'node:os';
import { delimiter } from 'node:path';
import type { CreateOptions } from '@xim/engine';
import type { WorkerSpec } from '@xim/worker';

/**
 * The job's command line.
 *
 * @param pythonFolders the folders with `xim_engine_oneapi` and the packages that it imports
 */
export function toWorkerSpec(
  { model, python, plan, handler }: CreateOptions,
  pythonFolders: readonly string[],
): WorkerSpec {
  return {
    command: [python, '-m', 'xim_engine_oneapi', model.task, ...(handler === undefined ? [] : [handler])],
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      PYTHONPATH: pythonFolders.join(delimiter),
      // Never a module that lies in the folder in which the host happens to run.
      PYTHONSAFEPATH: '1',
      PYTHONNOUSERSITE: '1',
      PYTHONUTF8: '1',
      PYTHONUNBUFFERED: '1',
      // Libraries that want a home get one that may be empty and read-only elsewhere.
      HOME: tmpdir(),
      TMPDIR: tmpdir(),
      // Weights come from the model cache, never from a hub at run time.
      HF_HUB_OFFLINE: '1',
      // Each library has its own pool; the plan's threads belong to the one that computes.
      OMP_NUM_THREADS: String(plan.threads),
      OPENBLAS_NUM_THREADS: '1',
      TOKENIZERS_PARALLELISM: 'false',
    },
    ranks: 1,
    tasks: model.task === 'generate' && handler === undefined ? ['generate', 'tokenize'] : [model.task],
  };
}
