import type { ParseArgsConfig } from 'node:util';
import type { ModelEntry } from '@xim/engine';
import { XimError } from '@xim/engine';
import { type FetchProgress, type Hub, readModels } from '@xim/model-cache';

/** One command of `xim-models`. A new one is a file here and a name in `commands/index.ts`. */
export interface Command {
  /** For the list of commands. */
  readonly summary: string;
  /** What follows the command's name in its help: arguments, then a paragraph or two and its own options. */
  readonly usage: string;
  readonly options?: ParseArgsConfig['options'];
  /** Whether it works on models.json files: then at least one is expected, and `--all` means every app's. */
  readonly files: boolean;
  /** Returns what `--json` prints; what went wrong was told to `fail`, or is thrown. */
  run(context: Context): Promise<unknown>;
}

/** What a command is given: the world, in small. */
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

/** Does `work` for every model of every file that was named; one that fails does not keep the others from it. */
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

/** Runs `work`; an error that people can understand is told and passed over. */
export async function attempt(context: Context, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!XimError.isInstance(error) || error.code === 'XIM_CANCELLED') throw error;
    context.fail(error.message);
  }
}

/** The artifacts that some profile uses: what a service may ever need. */
export function usedArtifacts(model: ModelEntry): string[] {
  return [...new Set(model.profiles.flatMap(({ artifact }) => artifact ?? []))];
}
