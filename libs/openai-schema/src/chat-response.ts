import { z } from 'zod';
import { ToolCall } from './chat-tools.ts';

/** Tokens of one request; `total_tokens` is the sum of the other two. */
export const CompletionUsage = z
  .object({
    prompt_tokens: z.int(),
    completion_tokens: z.int(),
    total_tokens: z.int(),
    prompt_tokens_details: z.object({ cached_tokens: z.int() }).optional(),
    completion_tokens_details: z.object({ reasoning_tokens: z.int() }).optional(),
  })
  .meta({ id: 'CompletionUsage' });
export type CompletionUsage = z.infer<typeof CompletionUsage>;

const topLogprob = z.object({
  token: z.string(),
  logprob: z.number().max(0),
  bytes: z.array(z.int()).nullable().describe('The UTF-8 bytes of the token. One character may need several tokens.'),
});

/** Log probabilities of a choice's tokens. */
export const ChatLogprobs = z
  .object({
    content: z.array(topLogprob.extend({ top_logprobs: z.array(topLogprob) })).nullable(),
    refusal: z.null(),
  })
  .meta({ id: 'ChatLogprobs' });
export type ChatLogprobs = z.infer<typeof ChatLogprobs>;

export const FinishReason = z.enum(['stop', 'length', 'tool_calls', 'content_filter']);
export type FinishReason = z.infer<typeof FinishReason>;

/** In vLLM’s format: for each token of a prompt its alternatives and itself, by id; null for the first token. */
export const PromptLogprobs = z
  .array(
    z
      .record(
        z.string(),
        z.object({
          logprob: z.number().max(0),
          rank: z.int().nullable().describe('The rank, from 1; null if the token is not one of the alternatives.'),
          decoded_token: z.string(),
        }),
      )
      .nullable(),
  )
  .meta({ id: 'PromptLogprobs' });
export type PromptLogprobs = z.infer<typeof PromptLogprobs>;

/** The answer to `prompt_logprobs` and `return_token_ids`. Not in OpenAI's API. */
export const promptReport = {
  prompt_logprobs: PromptLogprobs.optional(),
  prompt_token_ids: z.array(z.int()).optional(),
};
/** The answer to `return_token_ids`, with the end token. Not in OpenAI's API. */
export const tokenIds = z.array(z.int()).optional();

const envelope = {
  id: z.string(),
  created: z.int().describe('Unix seconds.'),
  model: z.string().describe('The id of the served model, whatever name the request used.'),
  system_fingerprint: z.string().describe('Changes with the model, the engine and the engine’s version.'),
};
const reasoning = z.string().optional().describe('The model’s thoughts before the answer. Not in OpenAI’s API.');

/** The answer of `POST /v1/chat/completions`. */
export const ChatCompletion = z
  .object({
    ...envelope,
    object: z.literal('chat.completion'),
    choices: z.array(
      z.object({
        index: z.int(),
        message: z.object({
          role: z.literal('assistant'),
          content: z.string().nullable(),
          refusal: z.null(),
          reasoning_content: reasoning,
          tool_calls: z.array(ToolCall).optional(),
        }),
        logprobs: ChatLogprobs.nullable(),
        finish_reason: FinishReason,
        token_ids: tokenIds,
      }),
    ),
    usage: CompletionUsage,
    ...promptReport,
  })
  .meta({ id: 'ChatCompletion' });
export type ChatCompletion = z.infer<typeof ChatCompletion>;

/** One piece of a tool call; `id`, `type` and `name` are in the first piece only. */
export const ToolCallDelta = z.object({
  index: z.int(),
  id: z.string().optional(),
  type: z.literal('function').optional(),
  function: z.object({ name: z.string().optional(), arguments: z.string() }),
});
export type ToolCallDelta = z.infer<typeof ToolCallDelta>;

export const ChatDelta = z.object({
  role: z.literal('assistant').optional(),
  content: z.string().nullable().optional(),
  refusal: z.null().optional(),
  reasoning_content: reasoning,
  tool_calls: z.array(ToolCallDelta).optional(),
});
export type ChatDelta = z.infer<typeof ChatDelta>;

/** One frame of a streamed answer. */
export const ChatCompletionChunk = z
  .object({
    ...envelope,
    object: z.literal('chat.completion.chunk'),
    choices: z.array(
      z.object({
        index: z.int(),
        delta: ChatDelta,
        logprobs: ChatLogprobs.nullable(),
        finish_reason: FinishReason.nullable(),
        token_ids: tokenIds,
      }),
    ),
    usage: CompletionUsage.nullable().optional(),
    prompt_token_ids: tokenIds.describe('In the first chunk, for `return_token_ids`. Not in OpenAI’s API.'),
  })
  .meta({ id: 'ChatCompletionChunk' });
export type ChatCompletionChunk = z.infer<typeof ChatCompletionChunk>;
