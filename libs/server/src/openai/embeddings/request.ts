import type { EmbedInput, EmbedItem } from '@xim/engine';
import type { EmbeddingsInput, EmbeddingsRequest } from '@xim/openai-schema';

/** Names of the task's input → names of the request, for what an engine finds wrong. */
export const embedParamNames = { items: 'input', dimensions: 'dimensions', prompt: 'prompt_name' } as const;

export function toEmbedInput(request: EmbeddingsRequest): EmbedInput {
  return {
    items: toItems(request.input),
    dimensions: request.dimensions ?? undefined,
    prompt: request.prompt_name ?? request.input_type ?? undefined,
  };
}

function toItems(input: EmbeddingsInput): EmbedItem[] {
  if (typeof input === 'string') return [{ text: input }];
  if (typeof input[0] === 'number') return [{ tokens: input as number[] }];
  return (input as (string | number[])[]).map((item) => (typeof item === 'string' ? { text: item } : { tokens: item }));
}
