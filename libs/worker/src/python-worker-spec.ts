import { tmpdir } from 'node:os';
import { delimiter } from 'node:path';
import type { CreateOptions } from '@xim/engine';
import type { WorkerSpec } from './worker-engine.ts';

export interface PythonWorker {
  /** The package that is run: `python -m <module> TASK [HANDLER]`. */
  readonly module: string;
  /** The folders with `module` and the packages that it imports. */
  readonly folders: readonly string[];
  /** Variables of the engine's own, added to the environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Processes of the job; a launcher `<module>.ranks COUNT` starts more than one. Default 1. */
  readonly ranks?: number | undefined;
}

/** The job of an engine whose worker is a Python package: a command line and a whole environment. */
export function pythonWorkerSpec(
  { module, folders, env, ranks = 1 }: PythonWorker,
  { model, python, plan, handler }: CreateOptions,
): WorkerSpec {
  const own = handler === undefined ? [] : [handler];
  const rank = [python, '-m', module, model.task, ...own] as const;
  return {
    command: ranks === 1 ? rank : [python, '-m', `${module}.ranks`, String(ranks), ...rank],
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      PYTHONPATH: folders.join(delimiter),
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
      ...env,
    },
    ranks,
    tasks: model.task === 'generate' && handler === undefined ? ['generate', 'tokenize'] : [model.task],
  };
}
