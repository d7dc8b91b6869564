import type OpenAI from 'openai';
import { describe, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionRequest,
  EmbeddingsRequest,
  EmbeddingsResponse,
  ErrorResponse,
  Model,
  ModelList,
} from './index.ts';

type ChatParams = OpenAI.Chat.Completions.ChatCompletionCreateParams;

// These hold or fail in tsc. Assignability alone would let a field that OpenAI has and we lack pass: extra keys are
// legal in a type. The lists of keys close that gap.
describe('against the types of the openai package', () => {
  it('takes every request that OpenAI’s types allow', () => {
    expectTypeOf<ChatParams>().toExtend<z.input<typeof ChatCompletionRequest>>();
    expectTypeOf<Exclude<keyof ChatParams, keyof ChatCompletionRequest>>().toBeNever();
    expectTypeOf<OpenAI.EmbeddingCreateParams>().toExtend<z.input<typeof EmbeddingsRequest>>();
    expectTypeOf<Exclude<keyof OpenAI.EmbeddingCreateParams, keyof EmbeddingsRequest>>().toBeNever();
  });

  it('knows nothing that OpenAI does not, but for the named extensions', () => {
    expectTypeOf<Exclude<keyof ChatCompletionRequest, keyof ChatParams>>().toEqualTypeOf<
      'top_k' | 'repetition_penalty' | 'ignore_eos'
    >();
    expectTypeOf<Exclude<keyof EmbeddingsRequest, keyof OpenAI.EmbeddingCreateParams>>().toBeNever();
  });

  it('answers what OpenAI’s types promise', () => {
    expectTypeOf<ChatCompletion>().toExtend<OpenAI.ChatCompletion>();
    expectTypeOf<ChatCompletionChunk>().toExtend<OpenAI.ChatCompletionChunk>();
    expectTypeOf<EmbeddingsResponse>().toExtend<OpenAI.CreateEmbeddingResponse>();
    expectTypeOf<Model>().toExtend<OpenAI.Model>();
    expectTypeOf<ModelList['data']>().toExtend<OpenAI.Model[]>();
    expectTypeOf<ErrorResponse['error']>().toExtend<OpenAI.ErrorObject>();
  });
});
