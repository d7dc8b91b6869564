import { z } from 'zod';

/* The wire of Anthropic's Messages API: answers (https://docs.anthropic.com/en/api/messages-streaming). */

const usage = z.object({
  input_tokens: z.int().describe('Without those that came from the prefix cache.'),
  output_tokens: z.int(),
  cache_read_input_tokens: z.int(),
  cache_creation_input_tokens: z.int(),
});

const block = z.discriminatedUnion('type', [
  z.object({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() }),
  z.object({ type: z.literal('text'), text: z.string(), citations: z.null() }),
  z.object({
    type: z.literal('tool_use'),
    id: z.string(),
    name: z.string(),
    input: z.record(z.string(), z.unknown()).describe('Empty where the model’s JSON was cut.'),
  }),
]);
export type AnswerBlock = z.infer<typeof block>;

const stopReason = z.enum(['end_turn', 'max_tokens', 'stop_sequence', 'tool_use']);
const stop = { stop_reason: stopReason.nullable(), stop_sequence: z.string().nullable() };

/** The answer of `POST /v1/messages`. */
export const MessageAnswer = z
  .object({
    id: z.string(),
    type: z.literal('message'),
    role: z.literal('assistant'),
    model: z.string().describe('The model’s own id, whatever name the request used.'),
    content: z.array(block),
    ...stop,
    usage,
  })
  .meta({ id: 'MessageAnswer' });
export type MessageAnswer = z.infer<typeof MessageAnswer>;

const index = { index: z.int() };

/** The `data` of one event of the stream; the event's name is its `type`. */
export const MessageEvent = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('message_start'), message: MessageAnswer }),
    z.object({ type: z.literal('content_block_start'), content_block: block, ...index }),
    z.object({
      type: z.literal('content_block_delta'),
      delta: z.discriminatedUnion('type', [
        z.object({ type: z.literal('text_delta'), text: z.string() }),
        z.object({ type: z.literal('thinking_delta'), thinking: z.string() }),
        z.object({ type: z.literal('input_json_delta'), partial_json: z.string() }),
      ]),
      ...index,
    }),
    z.object({ type: z.literal('content_block_stop'), ...index }),
    z.object({ type: z.literal('message_delta'), delta: z.object(stop), usage }),
    z.object({ type: z.literal('message_stop') }),
  ])
  .meta({ id: 'MessageEvent' });
export type MessageEvent = z.infer<typeof MessageEvent>;

export const CountTokensAnswer = z.object({ input_tokens: z.int() }).meta({ id: 'CountTokensAnswer' });

export const MessageError = z
  .object({ type: z.literal('error'), error: z.object({ type: z.string(), message: z.string() }) })
  .meta({ id: 'MessageError' });
export type MessageError = z.infer<typeof MessageError>;
