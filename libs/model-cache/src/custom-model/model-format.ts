import type { ModelEntry } from '@xim/engine';
import type { GgufFacts } from '../formats/gguf.ts';
import type { CustomModelFacts } from './custom-model-options.ts';

/** The files of a folder, or of a repository on the hub. */
export interface ModelFiles {
  /** For messages: the folder or the repository, as the user named it. */
  readonly place: string;
  /** Relative paths with forward slashes. */
  readonly names: readonly string[];
  /** How the user names one file of them, for messages. */
  naming(name: string): string;
  /** The text of one of the files. */
  text(name: string): Promise<string>;
  /** The facts in the header of a GGUF file. */
  gguf(name: string): Promise<GgufFacts>;
}

/** The files that are served: path in the folder that the engine gets → path in the source. */
export type ChosenFiles = ReadonlyMap<string, string>;

export type FormatFacts = Pick<CustomModelFacts, 'shape' | 'options'>;

/** A format of the files of a model that a user names. */
export interface ModelFormat {
  /** As `formats` of an engine has it. */
  readonly name: string;
  /** For people, in the singular: "a GGUF file". */
  readonly title: string;
  readonly tasks: readonly ModelEntry['task'][];
  /** Options of the service's profile that describe its own model, and so are not kept for another. */
  readonly modelOptions?: readonly string[];
  /**
   * The files to serve, the main file first; undefined where there are none of this format. `asked` is the file that the
   * user named. Throws a `ModelFetchError` where the files do not tell which model is meant, or some are missing.
   */
  choose(files: ModelFiles, asked: string | undefined): ChosenFiles | undefined;
  /** Rejects with a `ModelFetchError` where the files lack a fact. */
  readFacts(files: ModelFiles, chosen: ChosenFiles): Promise<FormatFacts>;
}

/** Each file under its own path. */
export function sameNames(names: readonly string[]): ChosenFiles {
  return new Map(names.map((name) => [name, name]));
}

/** The object in a JSON file; empty where there is no such file or it holds something else. */
export async function readObject(files: ModelFiles, name: string): Promise<Readonly<Record<string, unknown>>> {
  if (!files.names.includes(name)) return {};
  const text = await files.text(name);
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** A positive integer, or undefined. */
export function toCount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}
