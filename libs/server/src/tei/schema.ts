import { z } from 'zod';

/* The wire of Text Embeddings Inference (https://huggingface.github.io/text-embeddings-inference). */

/** Texts of the largest request. */
export const MAX_ITEMS = 2048;
const text = z.string().min(1);
const texts = z.array(text).min(1).max(MAX_ITEMS);
const cut = {
  truncate: z.boolean().nullish().describe('Whether a text that is too long is cut. Default false: it is an error.'),
  truncation_direction: z
    .enum(['Left', 'Right', 'left', 'right'])
    .nullish()
    .describe('The side that is cut. Has no effect without truncate. Default Right.'),
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

export const TeiInfo = z
  .object({
    model_id: z.string(),
    model_sha: z.string().nullable(),
    model_dtype: z.string(),
    model_type: z.union([
      z.object({ embedding: z.object({ pooling: z.string() }) }),
      z.object({
        reranker: z.object({ id2label: z.record(z.string(), z.string()), label2id: z.record(z.string(), z.int()) }),
      }),
    ]),
    max_concurrent_requests: z.int(),
    max_input_length: z.int().describe('Tokens of a text, or of a query and a document.'),
    max_batch_tokens: z.int(),
    max_client_batch_size: z.int(),
    auto_truncate: z.literal(false).describe('A text that is too long is cut on request only.'),
    tokenization_workers: z.int(),
    version: z.string(),
  })
  .meta({ id: 'TeiInfo' });
export type TeiInfo = z.infer<typeof TeiInfo>;
