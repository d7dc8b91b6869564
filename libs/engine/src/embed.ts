import type { Truncation } from './task.ts';

/** The task `embed`: one vector per text. */

export interface EmbedInput {
  /** At least one; each a non-empty text or a non-empty list of the model's tokens. */
  readonly items: readonly EmbedItem[];
  /** Elements per vector: the first so many, renormalised. Absent: all. Invalid where the model does not allow it. */
  readonly dimensions?: number | undefined;
  /**
   * Name of the model's prompt that is put before each text, such as `query` or `document`. Absent: the model's default
   * one, if any. Invalid where the model has none of that name, and with items that are tokens.
   */
  readonly prompt?: string | undefined;
  /**
   * How an item that is too long is cut; the special tokens and the model's prompt stay. Absent: such an item is
   * invalid.
   */
  readonly truncate?: Truncation | undefined;
}

export type EmbedItem = { readonly text: string } | { readonly tokens: readonly number[] };

export interface EmbedOutput {
  /** Row-major `[items, dimensions]`, in the order of the items, each row of unit length. */
  readonly vectors: Float32Array;
  readonly dimensions: number;
  /** Tokens read, summed over the items, special tokens included. */
  readonly inputTokens: number;
}
