import { ModelFetchError } from '@xim/model-cache';
import { childEnvironment } from '@xim/model-cache/internal';
import { runLines } from './run-lines.ts';
import { PYTHON_FOLDER } from './tool-environment.ts';

export interface ToolRun {
  /** Of the environment that `prepareTools` made. */
  readonly python: string;
  readonly args: readonly string[];
  readonly signal: AbortSignal | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly note: (line: string) => void;
}

/** Runs the package `xim_convert`; resolves with its result. Rejects with a `ModelFetchError` with its message. */
export async function runTool<T>({ python, args, signal, env, note }: ToolRun): Promise<T> {
  let result: T | undefined;
  let said: string | undefined;
  const { code, lastWords } = await runLines({
    command: [python, '-s', '-m', 'xim_convert', ...args],
    env: childEnvironment(env, {
      PYTHONPATH: PYTHON_FOLDER,
      PYTHONDONTWRITEBYTECODE: '1',
      // It has everything it needs in its folder; a library that asks the hub for more would wait for nothing.
      HF_HUB_OFFLINE: '1',
      TRANSFORMERS_VERBOSITY: 'error',
      TOKENIZERS_PARALLELISM: 'false',
    }),
    signal,
    onLine(line) {
      const event = JSON.parse(line) as { step?: string; error?: string; result?: T };
      if (event.step !== undefined) note(event.step);
      said ??= event.error;
      result ??= event.result;
    },
  });
  if (code === 0 && result !== undefined) return result;
  const reason = said ?? lastWords.at(-1) ?? `the tool ended with code ${code ?? 'unknown'}`;
  throw new ModelFetchError(`the conversion failed: ${reason}`);
}
