import type { Truncation } from './task.ts';

/**
 * The task `rerank`: the relevance of documents to a query. A reranker is a cross-encoder or a language model, which reads
 * query and document together as one pair, or a model for embeddings, which reads each text alone and whose score is the
 * cosine of the vectors.
 */

export interface RerankInput {
  /** One for all documents, or one for each. No text is empty. */
  readonly queries: readonly string[];
  /** At least one; no text is empty. */
  readonly documents: readonly string[];
  /**
   * A sentence that says when a document is relevant, for a model whose prompt has a place for it. Not empty. Absent: the
   * model's own. Other models refuse it with `XIM_UNSUPPORTED_PARAMETER`.
   */
  readonly instruction?: string | undefined;
  /** Tokens of each document that are read; the rest of a longer one is cut off. Absent: all. */
  readonly documentTokens?: number | undefined;
  /**
   * How a document is cut so that the pair fits or, with a model for embeddings, so that the document itself fits. A query
   * is never cut. Absent: a pair or text that is too long is invalid.
   */
  readonly truncate?: Truncation | undefined;
}

export interface RerankOutput {
  /** `[documents]` in the order of the documents; a greater score means a more relevant document. */
  readonly scores: Float32Array;
  /**
   * The scale of the scores. `log-odds`: any number, `1 / (1 + e^-x)` is the probability that the document is relevant.
   * `cosine`: -1 to 1, not a probability. It is the same in every answer of a model.
   */
  readonly kind: 'log-odds' | 'cosine';
  /** Tokens read, special tokens included: summed over the pairs, or over the texts, where each query counts once. */
  readonly inputTokens: number;
}
