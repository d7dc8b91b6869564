import { InvalidInputError, type RerankInput, type Truncation } from '@xim/engine';
import type { ParamNames } from '../errors/read-error.ts';
import type { RerankRequest, ScoreRequest, TeiRerankRequest } from './schema.ts';

/** Names of the task's input → names of the request, for what an engine finds wrong. */
export const rerankParamNames: ParamNames = {
  'queries.0': 'query',
  queries: 'query',
  documents: 'documents',
  instruction: 'instruction',
  documentTokens: 'max_tokens_per_doc',
  'truncate.tokens': 'truncate_prompt_tokens',
  'truncate.keep': 'truncation_side',
};
export const teiRerankParamNames: ParamNames = {
  'queries.0': 'query',
  queries: 'query',
  documents: 'texts',
  'truncate.keep': 'truncation_direction',
};
export const scoreParamNames: ParamNames = {
  ...rerankParamNames,
  'queries.0': 'text_1',
  queries: 'text_1',
  documents: 'text_2',
};

export function toRerankInput(request: RerankRequest): RerankInput {
  return {
    queries: [request.query],
    documents: request.documents.map((document) => (typeof document === 'string' ? document : document.text)),
    instruction: request.instruction ?? undefined,
    documentTokens: request.max_tokens_per_doc ?? undefined,
    truncate: toTruncation(request),
  };
}

export function toTeiRerankInput({
  query,
  texts,
  truncate,
  truncation_direction: side,
}: TeiRerankRequest): RerankInput {
  const keep = side?.toLowerCase() === 'left' ? 'end' : 'start';
  return { queries: [query], documents: texts, truncate: truncate ? { keep } : undefined };
}

/** Throws InvalidInputError for lists that are not pairs. */
export function toScoreInput(request: ScoreRequest): RerankInput {
  const [queries, documents] = [[request.text_1].flat(), [request.text_2].flat()];
  if (queries.length > 1 && queries.length !== documents.length) {
    const found = `text_1 has ${queries.length} texts and text_2 has ${documents.length}`;
    throw new InvalidInputError(`${found}; expected one text in text_1, or as many as in text_2.`, { param: 'text_1' });
  }
  return { queries, documents, instruction: request.instruction ?? undefined, truncate: toTruncation(request) };
}

function toTruncation(
  request: Pick<RerankRequest, 'truncate_prompt_tokens' | 'truncation_side'>,
): Truncation | undefined {
  const { truncate_prompt_tokens: tokens, truncation_side: side } = request;
  if (tokens == null) {
    if (side == null) return undefined;
    const message = 'truncation_side has no effect without truncate_prompt_tokens; expected both, or neither.';
    throw new InvalidInputError(message, { param: 'truncation_side' });
  }
  return { tokens: tokens === -1 ? undefined : tokens, keep: side === 'left' ? 'end' : 'start' };
}
