import { z } from 'zod';

/* The wire of Text Embeddings Inference (https://huggingface.github.io/text-embeddings-inference). */

const MAX_ITEMS = 2048;
const text = z.string().min(1);
const texts = z.array(text).min(1).max(MAX_ITEMS);
const cut = {
  truncate: z.boolean().nullish().describe('Only false: a text that is too long is an error.'),
  truncation_direction: z
    .enum(['Left', 'Right', 'left', 'right'])
    .nullish()
    .describe('Has no effect without truncate.'),
  prompt_name: z.string().nullish().describe('The name of the model’s prompt that is put before each text.'),
};

export const EmbedRequest = z
  .object({
    inputs: z.union([text, texts]),
    ...cut,
    normalize: z.boolean().nullish().describe('Only true: vectors have unit length.'),
    dimensions: z.int().min(1).nullish(),
  })
  .meta({ id: 'TeiEmbedRequest' });
export type EmbedRequest = z.infer<typeof EmbedRequest>;
export const EmbedResponse = z.array(z.array(z.number())).meta({ id: 'TeiEmbedResponse' });

export const SimilarityRequest = z
  .object({
    inputs: z.object({ source_sentence: text, sentences: texts.max(MAX_ITEMS - 1) }),
    parameters: z.object(cut).nullish(),
  })
  .meta({ id: 'TeiSimilarityRequest' });
export type SimilarityRequest = z.infer<typeof SimilarityRequest>;
export const SimilarityResponse = z
  .array(z.number())
  .describe('Cosine of each sentence with the source.')
  .meta({ id: 'TeiSimilarityResponse' });
