import { z } from 'zod';
import { chatExtensions, checkExtensions, shapeFields } from '../generate-extensions.ts';
import { samplingFields } from '../sampling-fields.ts';
import { ResponseInputItem } from './items.ts';
import { checkResponseTools, ResponseTool, ResponseToolChoice } from './tools.ts';

/** An object with any content: the service that offers the feature defines its fields. */
const opaque = z
  .custom<object>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'expected an object')
  .meta({ type: 'object' });
const summary = z.enum(['auto', 'concise', 'detailed']).nullish();

export const ResponseFormatConfig = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected 1 to 64 letters, digits, "_" or "-"'),
    description: z.string().nullish(),
    schema: z.record(z.string(), z.unknown()),
    strict: z.boolean().nullish(),
  }),
]);
export type ResponseFormatConfig = z.infer<typeof ResponseFormatConfig>;

const fields = z
  .object(samplingFields)
  .omit({ n: true, stream_options: true, prompt_logprobs: true, return_token_ids: true }).shape;

/**
 * The body of `POST /v1/responses`: every field of OpenAI's API, and extensions of other servers. Unknown fields are
 * dropped; an explicit null of an optional field means absent. The service decides which fields it honours.
 */
export const ResponsesRequest = z
  .object({
    model: z.string().nullish().describe('Default: the served model. A strict service requires it.'),
    input: z.union([z.string(), z.array(ResponseInputItem).min(1)]),
    instructions: z.string().nullish().describe('The text of a system message before the input.'),

    // The output and its sampling.
    ...fields,
    chat_template_kwargs: chatExtensions.chat_template_kwargs,
    max_output_tokens: z.int().min(1).nullish(),
    logprobs: z.boolean().nullish().describe('Not in OpenAI’s API, which uses include and top_logprobs.'),
    top_logprobs: z.int().min(0).max(20).nullish(),
    include: z
      .array(
        z.enum([
          ...(['file_search_call.results', 'web_search_call.results', 'web_search_call.action.sources'] as const),
          ...(['message.input_image.image_url', 'computer_call_output.output.image_url'] as const),
          ...(['code_interpreter_call.outputs', 'reasoning.encrypted_content'] as const),
          'message.output_text.logprobs',
        ]),
      )
      .nullish(),
    text: z
      .object({ format: ResponseFormatConfig.nullish(), verbosity: z.enum(['low', 'medium', 'high']).nullish() })
      .nullish(),
    reasoning: z
      .object({
        effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish(),
        summary,
        generate_summary: summary,
        mode: z.string().nullish(),
        context: z.enum(['auto', 'current_turn', 'all_turns']).nullish(),
      })
      .nullish(),
    truncation: z.enum(['auto', 'disabled']).nullish(),
    moderation: opaque.nullish(),

    // Tools.
    tools: z.array(ResponseTool).max(128).nullish(),
    tool_choice: ResponseToolChoice.nullish(),
    parallel_tool_calls: z.boolean().nullish(),
    max_tool_calls: z.int().nullish().describe('A limit for hosted tools, which this service does not have.'),

    // Stored responses.
    store: z.boolean().nullish().describe('Absent means false: responses are not kept.'),
    previous_response_id: z.string().nullish(),
    conversation: z.union([z.string(), z.object({ id: z.string() })]).nullish(),
    background: z.boolean().nullish(),
    prompt: opaque.nullish(),
    context_management: z.array(opaque).nullish(),

    // Fields without an effect on the answer.
    stream_options: z.object({ include_obfuscation: z.boolean().nullish() }).nullish(),
    metadata: z
      .record(z.string().max(64), z.string().max(512))
      .refine((pairs) => Object.keys(pairs).length <= 16, 'expected 16 pairs at most')
      .nullish(),
    safety_identifier: z.string().max(64).nullish(),
    service_tier: z.enum(['auto', 'default', 'flex', 'scale', 'priority', 'fast', 'ultrafast']).nullish(),
    prompt_cache_key: z.string().nullish(),
    prompt_cache_retention: z.enum(['in_memory', '24h']).nullish(),
    prompt_cache_options: opaque.nullish(),
  })
  .superRefine((request, context) => {
    checkResponseTools(request, context);
    checkExtensions(request, context);
    const other = shapeFields.find((name) => name !== 'response_format' && request[name] != null);
    if (other !== undefined && request.text?.format && request.text.format.type !== 'text')
      context.addIssue({
        code: 'custom',
        path: [other],
        message: 'expected one shape of the text; text.format is another one',
      });
  })
  .meta({ id: 'ResponsesRequest' });
export type ResponsesRequest = z.infer<typeof ResponsesRequest>;
