import { randomUUID } from 'node:crypto';
import type { RerankInput, RerankOutput } from '@xim/engine';
import { toShortNumber } from '../openai/embeddings/response.ts';
import type { RerankRequest, RerankResponse, ScoreResponse, TeiRerankRequest, TeiRerankResponse } from './schema.ts';

export function toRerankResponse(
  { logits, inputTokens }: RerankOutput,
  { documents }: RerankInput,
  { top_n: most, return_documents: whole, use_activation: activate }: RerankRequest,
  model: string,
): RerankResponse {
  const results = toRanking(toScores(logits, activate ?? true)).slice(0, most ?? undefined);
  return {
    id: `rerank-${randomUUID()}`,
    model,
    results: results.map(({ index, score }) => ({
      index,
      relevance_score: score,
      ...(whole && { document: { text: documents[index]! } }),
    })),
    usage: toUsage(inputTokens),
    meta: { tokens: { input_tokens: inputTokens } },
  };
}

export function toTeiRerankResponse(
  { logits }: RerankOutput,
  { texts, raw_scores: raw, return_text: whole }: TeiRerankRequest,
): TeiRerankResponse {
  return toRanking(toScores(logits, !raw)).map((one) => ({ ...one, ...(whole && { text: texts[one.index]! }) }));
}

/** The scores in the order of the documents. */
export function toScoreResponse(
  { logits, inputTokens }: RerankOutput,
  activate: boolean | null | undefined,
  model: string,
): ScoreResponse {
  return {
    id: `score-${randomUUID()}`,
    object: 'list',
    created: Math.floor(Date.now() / 1000),
    model,
    data: toScores(logits, activate ?? true).map((score, index) => ({ index, object: 'score', score })),
    usage: toUsage(inputTokens),
  };
}

/** Probabilities by the logistic function, or the log-odds themselves; float32 in few digits. */
export function toScores(logits: Float32Array, activate: boolean): number[] {
  const toScore = (logit: number): number => (activate ? Math.fround(1 / (1 + Math.exp(-logit))) : logit);
  return Array.from(logits, (logit) => toShortNumber(toScore(logit)));
}

/** The greatest score first; equal ones in the order of the documents. */
function toRanking(scores: readonly number[]): { index: number; score: number }[] {
  return scores.map((score, index) => ({ index, score })).sort((a, b) => b.score - a.score || a.index - b.index);
}

function toUsage(tokens: number): RerankResponse['usage'] {
  return { prompt_tokens: tokens, total_tokens: tokens };
}
