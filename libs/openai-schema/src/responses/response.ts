import { z } from 'zod';
import { ResponseContentPart, responseLogprobs, ResponseOutputItem } from './items.ts';
import { ResponseFormatConfig } from './request.ts';
import { ResponseTool, ResponseToolChoice } from './tools.ts';

/** Tokens of one response; `total_tokens` is the sum of the other two. */
export const ResponseUsage = z
  .object({
    input_tokens: z.int(),
    input_tokens_details: z.object({ cached_tokens: z.int(), cache_write_tokens: z.int() }),
    output_tokens: z.int(),
    output_tokens_details: z.object({ reasoning_tokens: z.int() }),
    total_tokens: z.int(),
  })
  .meta({ id: 'ResponseUsage' });
export type ResponseUsage = z.infer<typeof ResponseUsage>;

/** The answer of `POST /v1/responses`, and the state of a response in its stream. */
export const ResponseObject = z
  .object({
    id: z.string(),
    object: z.literal('response'),
    created_at: z.int().describe('Unix seconds.'),
    completed_at: z.int().nullable(),
    status: z.enum(['in_progress', 'completed', 'incomplete']),
    error: z.null(),
    incomplete_details: z.object({ reason: z.literal('max_output_tokens') }).nullable(),
    instructions: z.string().nullable(),
    max_output_tokens: z.int().nullable(),
    model: z.string().describe('The id of the served model, whatever name the request used.'),
    output: z.array(ResponseOutputItem),
    parallel_tool_calls: z.boolean(),
    tools: z.array(ResponseTool),
    tool_choice: ResponseToolChoice,
    text: z.object({ format: ResponseFormatConfig }),
    reasoning: z.object({ effort: z.string().nullable(), summary: z.null() }),
    temperature: z.number().nullable(),
    top_p: z.number().nullable(),
    top_logprobs: z.int(),
    truncation: z.literal('disabled'),
    background: z.literal(false),
    previous_response_id: z.null(),
    store: z.literal(false),
    service_tier: z.literal('default'),
    metadata: z.record(z.string(), z.string()),
    usage: ResponseUsage.nullable().describe('Null while the response is in progress.'),
  })
  .meta({ id: 'Response' });
export type ResponseObject = z.infer<typeof ResponseObject>;

const numbered = { sequence_number: z.int().describe('Counts the events of a stream from 0.') };
const ofItem = { output_index: z.int(), ...numbered };
const ofPart = { item_id: z.string(), content_index: z.int(), ...ofItem };
const ofCall = { item_id: z.string(), ...ofItem };

/** The `data` of one event of the stream; the event's name is its `type`. */
export const ResponseStreamEvent = z
  .discriminatedUnion('type', [
    z.object({
      type: z.enum(['response.created', 'response.in_progress', 'response.completed', 'response.incomplete']),
      response: ResponseObject,
      ...numbered,
    }),
    z.object({
      type: z.enum(['response.output_item.added', 'response.output_item.done']),
      item: ResponseOutputItem,
      ...ofItem,
    }),
    z.object({
      type: z.enum(['response.content_part.added', 'response.content_part.done']),
      part: ResponseContentPart,
      ...ofPart,
    }),
    z.object({
      type: z.literal('response.output_text.delta'),
      delta: z.string(),
      logprobs: responseLogprobs,
      ...ofPart,
    }),
    z.object({ type: z.literal('response.output_text.done'), text: z.string(), logprobs: responseLogprobs, ...ofPart }),
    z.object({ type: z.literal('response.reasoning_text.delta'), delta: z.string(), ...ofPart }),
    z.object({ type: z.literal('response.reasoning_text.done'), text: z.string(), ...ofPart }),
    z.object({ type: z.literal('response.function_call_arguments.delta'), delta: z.string(), ...ofCall }),
    z.object({
      type: z.literal('response.function_call_arguments.done'),
      name: z.string(),
      arguments: z.string(),
      ...ofCall,
    }),
    z.object({
      type: z.literal('error'),
      message: z.string(),
      code: z.string().nullable(),
      param: z.string().nullable(),
      error: z
        .object({
          message: z.string(),
          type: z.string(),
          param: z.string().nullable(),
          code: z.string().nullable(),
        })
        .describe('The same error again, in the member that OpenAI’s clients read.'),
      ...numbered,
    }),
  ])
  .meta({ id: 'ResponseStreamEvent' });
export type ResponseStreamEvent = z.infer<typeof ResponseStreamEvent>;
