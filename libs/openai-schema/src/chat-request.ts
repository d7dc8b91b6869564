import { z } from 'zod';
import { ChatMessage } from './chat-messages.ts';
import { chatExtensions, checkExtensions } from './generate-extensions.ts';
import { checkResponseFormat, ResponseFormat } from './response-format.ts';
import { checkTools, FunctionDefinition, Tool, ToolChoice } from './chat-tools.ts';
import { checkStreamOptions, samplingFields } from './sampling-fields.ts';

const tokens = z.int().min(1);
/** An object with any content: the service that offers the feature defines its fields. */
const opaque = z
  .custom<object>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'expected an object')
  .meta({ type: 'object' });

/**
 * The body of `POST /v1/chat/completions`: every field of OpenAI's API, and extensions of other servers. Unknown
 * fields are dropped; an explicit null of an optional field means absent. The service decides which fields it honours.
 */
export const ChatCompletionRequest = z
  .object({
    model: z.string().nullish().describe('Default: the served model. A strict service requires it.'),
    messages: z.array(ChatMessage).min(1),
    ...chatExtensions,

    // The output and its sampling.
    ...samplingFields,
    max_completion_tokens: tokens.nullish(),
    max_tokens: tokens.nullish().describe('Older name of max_completion_tokens.'),
    logprobs: z.boolean().nullish(),
    top_logprobs: z.int().min(0).max(20).nullish().describe('Needs logprobs: true.'),
    response_format: ResponseFormat.nullish(),
    reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish(),
    verbosity: z.enum(['low', 'medium', 'high']).nullish(),
    prediction: opaque.nullish(),
    modalities: z.array(z.enum(['text', 'audio'])).nullish(),
    audio: opaque.nullish(),
    web_search_options: opaque.nullish(),
    moderation: opaque.nullish(),

    // Tools.
    tools: z.array(Tool).max(128).nullish(),
    tool_choice: ToolChoice.nullish(),
    parallel_tool_calls: z.boolean().nullish(),
    functions: z.array(FunctionDefinition).max(128).nullish(),
    function_call: z.union([z.enum(['none', 'auto']), z.object({ name: z.string() })]).nullish(),

    // Fields without an effect on the answer.
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
  })
  .superRefine((request, context) => {
    const issue = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
    checkStreamOptions(request, context);
    checkTools(request, context);
    checkResponseFormat(request, context);
    checkExtensions(request, context);
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
