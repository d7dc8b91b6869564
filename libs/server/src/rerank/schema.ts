import { z } from 'zod';

/*
 * The wires of reranking: Cohere's (https://docs.cohere.com/reference/rerank), which Jina and vLLM share, vLLM's scores
 * (https://docs.vllm.ai/en/stable/serving/openai_compatible_server/#score-api), and Text Embeddings Inference's
 * (https://huggingface.github.io/text-embeddings-inference).
 */

/** Pairs of one request, as many as the largest request for embeddings has texts. */
const MAX_PAIRS = 2048;
const text = z.string().min(1);
const texts = z.array(text).min(1).max(MAX_PAIRS);
const model = z.string().nullish().describe('Left out, it is the one that is served, unless the service is strict.');

const shared = {
  instruction: text
    .nullish()
    .describe(
      'A sentence that says when a document is relevant, such as "Find the paragraph that answers the question". For Qwen3-Reranker; other models refuse it.',
    ),
  truncate_prompt_tokens: z
    .int()
    .min(-1)
    .refine((tokens) => tokens !== 0, { error: 'expected at least 1, or -1 for as many as the model reads' })
    .nullish()
    .describe(
      'Tokens that a pair keeps, or a document with a model for embeddings; of a longer one the document is cut. -1: as many as the model reads.',
    ),
  truncation_side: z
    .enum(['left', 'right'])
    .nullish()
    .describe('The side of the document that is cut. Only with truncate_prompt_tokens. Default right.'),
  use_activation: z
    .boolean()
    .nullish()
    .describe(
      'true: scores are probabilities from 0 to 1. false: log-odds. Default true. Has no effect on a model for embeddings, whose scores are cosines from -1 to 1.',
    ),
};

export const RerankRequest = z
  .object({
    model,
    query: text,
    documents: z
      .array(z.union([text, z.object({ text })]))
      .min(1)
      .max(MAX_PAIRS),
    top_n: z.int().min(1).nullish().describe('So many results, the most relevant. Default: all.'),
    return_documents: z.boolean().nullish().describe('Whether a result has its document. Default false.'),
    max_tokens_per_doc: z.int().min(1).nullish().describe('Tokens of each document that are read. Default: all.'),
    ...shared,
  })
  .meta({ id: 'RerankRequest' });
export type RerankRequest = z.infer<typeof RerankRequest>;

const Usage = z.object({ prompt_tokens: z.int(), total_tokens: z.int() });
export const RerankResponse = z
  .object({
    id: z.string(),
    model: z.string().describe('The model’s own id, whatever name the request used.'),
    results: z
      .array(
        z.object({
          index: z.int().describe('Place of the document in the request.'),
          relevance_score: z.number(),
          document: z.object({ text: z.string() }).optional(),
        }),
      )
      .describe('The most relevant document first.'),
    usage: Usage,
    meta: z.object({ tokens: z.object({ input_tokens: z.int() }) }),
  })
  .meta({ id: 'RerankResponse' });
export type RerankResponse = z.infer<typeof RerankResponse>;

const oneOrMore = z.union([text, texts]);
export const ScoreRequest = z
  .object({
    model,
    text_1: oneOrMore.describe('The query, or a query for each text of text_2.'),
    text_2: oneOrMore.describe('The documents.'),
    ...shared,
  })
  .meta({ id: 'ScoreRequest' });
export type ScoreRequest = z.infer<typeof ScoreRequest>;

export const ScoreResponse = z
  .object({
    id: z.string(),
    object: z.literal('list'),
    created: z.int(),
    model: z.string(),
    data: z.array(z.object({ index: z.int(), object: z.literal('score'), score: z.number() })),
    usage: Usage,
  })
  .meta({ id: 'ScoreResponse' });
export type ScoreResponse = z.infer<typeof ScoreResponse>;

export const TeiRerankRequest = z
  .object({
    query: text,
    texts,
    raw_scores: z
      .boolean()
      .nullish()
      .describe(
        'true: scores are log-odds. Default false: probabilities from 0 to 1. Has no effect on a model for embeddings, whose scores are cosines from -1 to 1.',
      ),
    return_text: z.boolean().nullish().describe('Whether a result has its text. Default false.'),
    truncate: z.boolean().nullish().describe('Whether a pair that is too long is cut. Default false: it is an error.'),
    truncation_direction: z
      .enum(['Left', 'Right', 'left', 'right'])
      .nullish()
      .describe('The side of the text that is cut. Has no effect without truncate. Default Right.'),
  })
  .meta({ id: 'TeiRerankRequest' });
export type TeiRerankRequest = z.infer<typeof TeiRerankRequest>;

export const TeiRerankResponse = z
  .array(z.object({ index: z.int(), score: z.number(), text: z.string().optional() }))
  .describe('The most relevant text first.')
  .meta({ id: 'TeiRerankResponse' });
export type TeiRerankResponse = z.infer<typeof TeiRerankResponse>;
