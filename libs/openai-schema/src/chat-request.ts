import { z } from 'zod';
import { ChatMessage } from './chat-messages.ts';
import { FunctionDefinition, Tool, ToolChoice } from './chat-tools.ts';

const penalty = z.number().min(-2).max(2);
const tokens = z.int().min(1);
/** An object of any content: whoever offers the feature describes its fields. */
const opaque = z
  .custom<object>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'expected an object')
  .meta({ type: 'object' });

export const ResponseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({
      name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected 1 to 64 letters, digits, "_" or "-"'),
      description: z.string().nullish(),
      schema: z.record(z.string(), z.unknown()).nullish(),
      strict: z.boolean().nullish(),
    }),
  }),
]);
export type ResponseFormat = z.infer<typeof ResponseFormat>;

export const StreamOptions = z.object({
  include_usage: z.boolean().nullish().describe('One more chunk before [DONE]: no choices, the whole usage.'),
  include_obfuscation: z.boolean().nullish(),
});

/** Texts that end a choice. OpenAI's limit is four. */
export const Stop = z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(4)]);

/**
 * The body of `POST /v1/chat/completions`: every field of OpenAI's API. Unknown fields are dropped; an explicit null
 * of an optional field equals its absence. Which of these a service honours is the service's business.
 */
export const ChatCompletionRequest = z
  .object({
    model: z.string(),
    messages: z.array(ChatMessage).min(1),

    // What is generated, and how.
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    seed: z.number().refine(Number.isInteger, 'expected an integer').meta({ type: 'integer' }).nullish(),
    max_completion_tokens: tokens.nullish(),
    max_tokens: tokens.nullish().describe('Older name of max_completion_tokens.'),
    stop: Stop.nullish(),
    presence_penalty: penalty.nullish(),
    frequency_penalty: penalty.nullish(),
    n: z.int().min(1).max(128).nullish(),
    logprobs: z.boolean().nullish(),
    top_logprobs: z.int().min(0).max(20).nullish().describe('Needs logprobs: true.'),
    logit_bias: z
      .record(z.string().regex(/^\d+$/, 'expected token ids as keys'), z.number().min(-100).max(100))
      .nullish(),
    response_format: ResponseFormat.nullish(),
    reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish(),
    verbosity: z.enum(['low', 'medium', 'high']).nullish(),
    prediction: opaque.nullish(),
    modalities: z.array(z.enum(['text', 'audio'])).nullish(),
    audio: opaque.nullish(),
    web_search_options: opaque.nullish(),
    moderation: opaque.nullish(),

    // What the model may call.
    tools: z.array(Tool).nullish(),
    tool_choice: ToolChoice.nullish(),
    parallel_tool_calls: z.boolean().nullish(),
    functions: z.array(FunctionDefinition).max(128).nullish(),
    function_call: z.union([z.enum(['none', 'auto']), z.object({ name: z.string() })]).nullish(),

    // How the answer travels.
    stream: z.boolean().nullish(),
    stream_options: StreamOptions.nullish(),

    // What does not change the answer.
    user: z.string().nullish(),
    safety_identifier: z.string().max(64).nullish(),
    metadata: z
      .record(z.string().max(64), z.string().max(512))
      .refine((pairs) => Object.keys(pairs).length <= 16, 'expected 16 pairs at most')
      .nullish(),
    store: z.boolean().nullish(),
    service_tier: z.enum(['auto', 'default', 'flex', 'scale', 'priority', 'fast']).nullish(),
    prompt_cache_key: z.string().nullish(),
    prompt_cache_retention: z.enum(['in_memory', '24h']).nullish(),
    prompt_cache_options: opaque.nullish(),

    // Beyond OpenAI's API, by the names that other servers use.
    top_k: z.int().nullish().describe('Only the k most probable tokens; below 1: all. Not in OpenAI’s API.'),
    repetition_penalty: z.number().positive().nullish().describe('1 = none. Not in OpenAI’s API.'),
    ignore_eos: z
      .boolean()
      .nullish()
      .describe('Go on to max_completion_tokens, for measurements. Not in OpenAI’s API.'),
  })
  .superRefine((request, context) => {
    const issue = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
    if (request.stream_options != null && request.stream !== true)
      issue('stream_options', 'only allowed with stream: true');
    if (request.top_logprobs != null && request.logprobs !== true)
      issue('top_logprobs', 'only allowed with logprobs: true');
    if (
      request.max_tokens != null &&
      request.max_completion_tokens != null &&
      request.max_tokens !== request.max_completion_tokens
    )
      issue('max_tokens', 'contradicts max_completion_tokens; send one of the two');
  })
  .meta({ id: 'ChatCompletionRequest' });
export type ChatCompletionRequest = z.infer<typeof ChatCompletionRequest>;
