/** The six tasks. A model has one; an engine may be able to do several. */
export type Task = 'generate' | 'embed' | 'rerank' | 'transcribe' | 'speak' | 'generateImage';

/** Bytes that enter an engine: small ones in memory, large uploads as a file that outlives the call. */
export type Media = { readonly path: string } | { readonly bytes: Uint8Array };

/** How a text that is too long is cut, where it would be invalid otherwise. */
export interface Truncation {
  /** Tokens that stay at most, special tokens included. Absent, or more than the model reads: as many as it reads. */
  readonly tokens?: number | undefined;
  /** The end of the text that stays. Default `start`. */
  readonly keep?: 'start' | 'end' | undefined;
}
