import type { EmbedInput, EmbedItem, Truncation } from '@xim/engine';
import type { EmbeddingsInput, EmbeddingsRequest } from '@xim/openai-schema';

/** Names of the task's input → names of the request, for what an engine finds wrong. */
export const embedParamNames = {
  items: 'input',
  dimensions: 'dimensions',
  prompt: 'prompt_name',
  'truncate.tokens': 'truncate_prompt_tokens',
  'truncate.keep': 'truncation_side',
} as const;

export function toEmbedInput(request: EmbeddingsRequest): EmbedInput {
  return {
    items: toItems(request.input),
    dimensions: request.dimensions ?? undefined,
    prompt: request.prompt_name ?? request.input_type ?? undefined,
    truncate: toTruncation(request),
  };
}

/** The schema refused fields that contradict each other. */
function toTruncation(request: EmbeddingsRequest): Truncation | undefined {
  const { truncate, truncate_prompt_tokens: tokens, truncation_side: side } = request;
  if (tokens == null && (truncate == null || truncate === false || truncate === 'NONE')) return undefined;
  const keep = side === 'left' || truncate === 'START' ? 'end' : 'start';
  return { tokens: tokens == null || tokens === -1 ? undefined : tokens, keep };
}

function toItems(input: EmbeddingsInput): EmbedItem[] {
  if (typeof input === 'string') return [{ text: input }];
  if (typeof input[0] === 'number') return [{ tokens: input as number[] }];
  return (input as (string | number[])[]).map((item) => (typeof item === 'string' ? { text: item } : { tokens: item }));
}
