/** The five tasks. A model has one; an engine may be able to do several. */
export type Task = 'generate' | 'embed' | 'transcribe' | 'speak' | 'generateImage';

/** Bytes that enter an engine: small ones in memory, large uploads as a file that outlives the call. */
export type Media = { readonly path: string } | { readonly bytes: Uint8Array };
