import type { ParseArgsConfig } from 'node:util';
import type { ModelEntry } from '@xim/engine';
import { XimError } from '@xim/engine';
import { type FetchProgress, type Hub, readModels } from '@xim/model-cache';

/** One command of `xim-models`. A new command is a file here and a name in `commands/index.ts`. */
export interface Command {
  /** For the list of commands. */
  readonly summary: string;
  /** The help after the name of the command: arguments, one or two paragraphs, options of the command. */
  readonly usage: string;
  readonly options?: ParseArgsConfig['options'];
  /** Whether the command takes models.json files: at least one is expected; `--all` means the files of all apps. */
  readonly files: boolean;
  /** Returns the output of `--json`. Failures were passed to `fail`, or are thrown. */
  run(context: Context): Promise<unknown>;
}

/** The context of a command: its arguments, settings and output. */
export interface Context {
  /** The arguments: paths of models.json files, where the command takes such. */
  readonly args: readonly string[];
  readonly values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
  readonly cacheDir: string;
  readonly python: string;
  readonly offline: boolean;
  readonly hub: Hub;
  readonly signal: AbortSignal;
  /** The environment of the programs that it starts. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A line of the result; dropped under `--json`. */
  say(line: string): void;
  /** A line for people, beside the result. */
  note(line: string): void;
  /** Something went wrong and the exit code will be 1; other work goes on. */
  fail(message: string): void;
  /** Shows progress until `end`. */
  progress(): { onProgress(progress: FetchProgress): void; end(): void };
}

/** The arguments were wrong: exit code 2. */
export class UsageError extends Error {}

export interface Listed {
  readonly file: string;
  readonly role: string;
  readonly model: ModelEntry;
}

/** Does `work` for every model of every named file. After a failure the other models follow. */
export async function forEachModel<T>(context: Context, work: (listed: Listed) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (const file of context.args) {
    await attempt(context, async () => {
      for (const [role, model] of Object.entries(readModels(file).models)) {
        results.push(await work({ file, role, model }));
      }
    });
  }
  return results;
}

/** Runs `work` and reports an error that has a message for people; other errors are thrown. */
export async function attempt(context: Context, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!XimError.isInstance(error) || error.code === 'XIM_CANCELLED') throw error;
    context.fail(error.message);
  }
}

/** The artifacts of all profiles: all files that a service can need. */
export function usedArtifacts(model: ModelEntry): string[] {
  return [...new Set(model.profiles.flatMap(({ artifact }) => artifact ?? []))];
}
