import type { Truncation } from './task.ts';

/** The task `rerank`: the relevance of documents to a query. */

export interface RerankInput {
  /** One for all documents, or one for each. No text is empty. */
  readonly queries: readonly string[];
  /** At least one; no text is empty. */
  readonly documents: readonly string[];
  /** Tokens of each document that are read; the rest of a longer one is cut off. Absent: all. */
  readonly documentTokens?: number | undefined;
  /** How a pair that is too long is cut: its document is, never its query. Absent: such a pair is invalid. */
  readonly truncate?: Truncation | undefined;
}

export interface RerankOutput {
  /** `[documents]` log-odds of the relevance, in the order of the documents: `1 / (1 + e^-x)` is a probability. */
  readonly logits: Float32Array;
  /** Tokens read, summed over the pairs, special tokens included. */
  readonly inputTokens: number;
}
