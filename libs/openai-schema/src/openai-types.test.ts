import type OpenAI from 'openai';
import { describe, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionRequest,
  Completion,
  CompletionChunk,
  CompletionLogprobs,
  CompletionRequest,
  EmbeddingsRequest,
  EmbeddingsResponse,
  ErrorResponse,
  ImageEditRequest,
  ImageGenerationRequest,
  ImagesResponse,
  ImageStreamEvent,
  Model,
  ModelList,
  ResponseObject,
  ResponsesRequest,
  ResponseStreamEvent,
  SpeechRequest,
  Transcription,
  TranscriptionDiarized,
  TranscriptionRequest,
  TranscriptionStreamEvent,
  TranscriptionVerbose,
  TranslationRequest,
} from './index.ts';
import type { chatExtensions, generateExtensions } from './generate-extensions.ts';

type ChatParams = OpenAI.Chat.Completions.ChatCompletionCreateParams;
type TranscriptionParams = OpenAI.Audio.TranscriptionCreateParams;
type TranslationParams = OpenAI.Audio.TranslationCreateParams;

/** OpenAI's types have no null for the first token of an echo, and for fields that are known only at a stream's end. */
type WithoutNulls<T> = T extends readonly (infer Item)[]
  ? WithoutNulls<NonNullable<Item>>[]
  : T extends object
    ? { [Key in keyof T]: WithoutNulls<Key extends 'finish_reason' | 'usage' ? NonNullable<T[Key]> : T[Key]> }
    : T;

// tsc checks these types. Assignability alone does not find a field that only OpenAI has, since extra keys are legal in
// a type. The lists of keys find it.
describe('against the types of the openai package', () => {
  it('takes every request that OpenAI’s types allow', () => {
    expectTypeOf<ChatParams>().toExtend<z.input<typeof ChatCompletionRequest>>();
    expectTypeOf<Exclude<keyof ChatParams, keyof ChatCompletionRequest>>().toBeNever();
    expectTypeOf<OpenAI.CompletionCreateParams>().toExtend<z.input<typeof CompletionRequest>>();
    expectTypeOf<Exclude<keyof OpenAI.CompletionCreateParams, keyof CompletionRequest>>().toBeNever();
    expectTypeOf<OpenAI.EmbeddingCreateParams>().toExtend<z.input<typeof EmbeddingsRequest>>();
    expectTypeOf<Exclude<keyof OpenAI.EmbeddingCreateParams, keyof EmbeddingsRequest>>().toBeNever();
    expectTypeOf<OpenAI.Responses.ResponseCreateParams['tools']>().toExtend<
      z.input<typeof ResponsesRequest>['tools']
    >();
    expectTypeOf<Exclude<keyof OpenAI.Responses.ResponseCreateParams, keyof ResponsesRequest>>().toBeNever();
    expectTypeOf<OpenAI.Audio.SpeechCreateParams>().toExtend<z.input<typeof SpeechRequest>>();
    expectTypeOf<Exclude<keyof OpenAI.Audio.SpeechCreateParams, keyof SpeechRequest>>().toBeNever();
    expectTypeOf<Exclude<keyof OpenAI.ImageGenerateParams, keyof ImageGenerationRequest>>().toBeNever();
    // The file is not a field of the request's schema.
    expectTypeOf<Exclude<keyof OpenAI.ImageEditParams, keyof ImageEditRequest>>().toEqualTypeOf<'image' | 'mask'>();
    expectTypeOf<Exclude<keyof TranscriptionParams, keyof TranscriptionRequest>>().toEqualTypeOf<'file'>();
    expectTypeOf<Exclude<keyof TranslationParams, keyof TranslationRequest>>().toEqualTypeOf<'file'>();
  });

  it('knows nothing that OpenAI does not, but for the named extensions', () => {
    expectTypeOf<Exclude<keyof ChatCompletionRequest, keyof ChatParams>>().toEqualTypeOf<
      keyof typeof generateExtensions | keyof typeof chatExtensions
    >();
    expectTypeOf<Exclude<keyof CompletionRequest, keyof OpenAI.CompletionCreateParams>>().toEqualTypeOf<
      keyof typeof generateExtensions | 'response_format'
    >();
    expectTypeOf<Exclude<keyof EmbeddingsRequest, keyof OpenAI.EmbeddingCreateParams>>().toEqualTypeOf<
      'prompt_name' | 'input_type' | 'truncate' | 'truncate_prompt_tokens' | 'truncation_side'
    >();
    expectTypeOf<Exclude<keyof SpeechRequest, keyof OpenAI.Audio.SpeechCreateParams>>().toEqualTypeOf<'seed'>();
    // `languages` and `keywords` are in OpenAI's specification.
    expectTypeOf<Exclude<keyof TranscriptionRequest, keyof TranscriptionParams>>().toEqualTypeOf<
      ('hotwords' | 'vad_filter' | 'num_speakers' | 'min_speakers' | 'max_speakers') | ('languages' | 'keywords')
    >();
  });

  it('answers what OpenAI’s types promise', () => {
    expectTypeOf<ImagesResponse['data']>().toExtend<OpenAI.ImagesResponse['data']>();
    expectTypeOf<ImageStreamEvent['type']>().toExtend<
      OpenAI.ImageGenStreamEvent['type'] | OpenAI.ImageEditStreamEvent['type']
    >();
    expectTypeOf<ChatCompletion>().toExtend<OpenAI.ChatCompletion>();
    expectTypeOf<ChatCompletionChunk>().toExtend<OpenAI.ChatCompletionChunk>();
    expectTypeOf<WithoutNulls<Completion>>().toExtend<OpenAI.Completion>();
    expectTypeOf<WithoutNulls<CompletionChunk>>().toExtend<OpenAI.Completion>();
    expectTypeOf<Exclude<keyof OpenAI.CompletionChoice.Logprobs, keyof CompletionLogprobs>>().toBeNever();
    expectTypeOf<ResponseObject['output']>().toExtend<OpenAI.Responses.Response['output']>();
    expectTypeOf<NonNullable<ResponseObject['usage']>>().toExtend<OpenAI.Responses.ResponseUsage>();
    expectTypeOf<ResponseStreamEvent['type']>().toExtend<OpenAI.Responses.ResponseStreamEvent['type']>();
    expectTypeOf<EmbeddingsResponse>().toExtend<OpenAI.CreateEmbeddingResponse>();
    expectTypeOf<Transcription>().toExtend<OpenAI.Audio.Transcription>();
    expectTypeOf<TranscriptionVerbose>().toExtend<OpenAI.Audio.TranscriptionVerbose>();
    expectTypeOf<TranscriptionDiarized>().toExtend<OpenAI.Audio.TranscriptionDiarized>();
    expectTypeOf<TranscriptionStreamEvent>().toExtend<OpenAI.Audio.TranscriptionStreamEvent>();
    expectTypeOf<Model>().toExtend<OpenAI.Model>();
    expectTypeOf<ModelList['data']>().toExtend<OpenAI.Model[]>();
    expectTypeOf<ErrorResponse['error']>().toExtend<OpenAI.ErrorObject>();
  });
});
