import { randomUUID } from 'node:crypto';
import type { RerankInput, RerankOutput } from '@xim/engine';
import { toShortNumber } from '../openai/embeddings/response.ts';
import type { RerankRequest, RerankResponse, ScoreResponse, TeiRerankRequest, TeiRerankResponse } from './schema.ts';

export function toRerankResponse(
  output: RerankOutput,
  { documents }: RerankInput,
  { top_n: most, return_documents: whole, use_activation: activate }: RerankRequest,
  model: string,
): RerankResponse {
  const results = toRanking(toScores(output, activate ?? true)).slice(0, most ?? undefined);
  return {
    id: `rerank-${randomUUID()}`,
    model,
    results: results.map(({ index, score }) => ({
      index,
      relevance_score: score,
      ...(whole && { document: { text: documents[index]! } }),
    })),
    usage: toUsage(output.inputTokens),
    meta: { tokens: { input_tokens: output.inputTokens } },
  };
}

export function toTeiRerankResponse(
  output: RerankOutput,
  { texts, raw_scores: raw, return_text: whole }: TeiRerankRequest,
): TeiRerankResponse {
  return toRanking(toScores(output, !raw)).map((one) => ({ ...one, ...(whole && { text: texts[one.index]! }) }));
}

/** The scores in the order of the documents. */
export function toScoreResponse(
  output: RerankOutput,
  activate: boolean | null | undefined,
  model: string,
): ScoreResponse {
  return {
    id: `score-${randomUUID()}`,
    object: 'list',
    created: Math.floor(Date.now() / 1000),
    model,
    data: toScores(output, activate ?? true).map((score, index) => ({ index, object: 'score', score })),
    usage: toUsage(output.inputTokens),
  };
}

/**
 * Scores as float32 in few digits. `activate` makes probabilities of log-odds by the logistic function. A cosine is no
 * log-odds: it stays a cosine either way.
 */
export function toScores({ scores, kind }: RerankOutput, activate: boolean): number[] {
  const logistic = activate && kind === 'log-odds';
  return Array.from(scores, (score) => toShortNumber(logistic ? Math.fround(1 / (1 + Math.exp(-score))) : score));
}

/** The greatest score first; equal ones in the order of the documents. */
function toRanking(scores: readonly number[]): { index: number; score: number }[] {
  return scores.map((score, index) => ({ index, score })).sort((a, b) => b.score - a.score || a.index - b.index);
}

function toUsage(tokens: number): RerankResponse['usage'] {
  return { prompt_tokens: tokens, total_tokens: tokens };
}
