import { delimiter } from 'node:path';
import type { CreateOptions } from '@xim/engine';
import type { WorkerSpec } from '@xim/worker';

/** `Profile.options` of the echo engine. */
export interface EchoOptions {
  /** Steps per second: of all running choices together, of batches, and of each file, speech or picture. 0 = as fast as possible. */
  readonly rate?: number;
  /** Seconds that loading takes. */
  readonly startDelay?: number;
  /** Tokens that prompt and output may have together. Default 4096. */
  readonly contextLength?: number;
  /** Elements of an embedding. Default 384. */
  readonly dimensions?: number;
  /** Processes of the job, started by a launcher when more than one. Default 1. */
  readonly ranks?: number;
  readonly faults?: EchoFaults;
}

/** Misbehaviour for tests. A token is whatever the task counts: tokens, texts, segments, pieces of audio, steps. */
export interface EchoFaults {
  readonly failStart?: 'permanent' | 'passing';
  /** The first so many calls fail with `EngineRequestError`. */
  readonly failCalls?: number;
  readonly dieAfterTokens?: number;
  /** How it dies: exit code (default 1), or a signal such as `SIGSEGV`. */
  readonly exitCode?: number;
  readonly signal?: string;
  /** Native code that never returns and keeps Python's lock. */
  readonly hangAfterTokens?: number;
}

/**
 * The job's command line.
 *
 * @param pythonFolders the folders with `xim_engine_echo` and `xim_generation` in them
 */
export function toWorkerSpec(
  { model, profile, python, handler }: CreateOptions,
  pythonFolders: readonly string[],
): WorkerSpec {
  const { ranks = 1 }: EchoOptions = profile.options ?? {};
  const own = handler === undefined ? [] : [handler];
  const rank = [python, '-m', 'xim_engine_echo', model.task, ...own] as const;
  return {
    command: ranks === 1 ? rank : [python, '-m', 'xim_engine_echo.ranks', String(ranks), ...rank],
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      PYTHONPATH: pythonFolders.join(delimiter),
      // Never a module that lies in the folder in which the host happens to run.
      PYTHONSAFEPATH: '1',
      PYTHONNOUSERSITE: '1',
      PYTHONUTF8: '1',
    },
    ranks,
    tasks: model.task === 'generate' && handler === undefined ? ['generate', 'tokenize'] : [model.task],
  };
}
