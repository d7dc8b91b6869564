/** The sizes of a decoder with a mixture of experts, as its header or its configuration tells them. */
export interface MixtureSizes {
  readonly layers: number;
  /** Elements of a hidden state. */
  readonly width: number;
  readonly experts: number | undefined;
  /** Experts that compute one token. */
  readonly used: number | undefined;
  /** Elements between the two halves of an expert. */
  readonly expertWidth: number | undefined;
  /** Query heads, heads of the cache and elements per head. */
  readonly heads: number | undefined;
  readonly kvHeads: number | undefined;
  readonly headDim: number | undefined;
  readonly vocabulary?: number | undefined;
}

/**
 * The share of a decoder's weights that one token is multiplied with, 0 to 1; undefined for a decoder without experts. An
 * expert is a gated network of three matrices (Shazeer 2020, GLU Variants Improve Transformer). Attention has four
 * matrices. The table of tokens counts once, as the matrix of the logits.
 */
export function toActiveShare(sizes: MixtureSizes): number | undefined {
  const { layers, width, experts, used, expertWidth, heads = 0, kvHeads = heads, headDim = 0, vocabulary = 0 } = sizes;
  if (experts === undefined || used === undefined || expertWidth === undefined || used >= experts) return undefined;
  const expert = 3 * width * expertWidth;
  const attention = 2 * width * headDim * (heads + kvHeads);
  const others = layers * attention + vocabulary * width;
  const share = (layers * used * expert + others) / (layers * experts * expert + others);
  return Number(share.toPrecision(3));
}
