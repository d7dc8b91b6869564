import { z } from 'zod';
import { CustomToolCall, ToolCall } from './chat-tools.ts';

export const TextPart = z.object({ type: z.literal('text'), text: z.string() });
const refusalPart = z.object({ type: z.literal('refusal'), refusal: z.string() });

/** Parts of a user's message. The service that reads pictures, sound and files checks their fields. */
export const UserPart = z.discriminatedUnion('type', [
  TextPart,
  z.object({ type: z.literal('image_url'), image_url: z.object({ url: z.string(), detail: z.string().nullish() }) }),
  z.object({ type: z.literal('input_audio'), input_audio: z.object({ data: z.string(), format: z.string() }) }),
  z.object({
    type: z.literal('file'),
    file: z.object({
      file_data: z.string().nullish(),
      file_id: z.string().nullish(),
      filename: z.string().nullish(),
    }),
  }),
]);
export type UserPart = z.infer<typeof UserPart>;

const text = z.union([z.string(), z.array(TextPart).min(1)]);
const name = z.string().nullish();

const assistantMessage = z
  .object({
    role: z.literal('assistant'),
    content: z.union([z.string(), z.array(z.discriminatedUnion('type', [TextPart, refusalPart])).min(1)]).nullish(),
    refusal: z.string().nullish(),
    reasoning_content: z
      .string()
      .nullish()
      .describe('The thoughts of a reasoning model in this turn. Not in OpenAI’s API.'),
    name,
    tool_calls: z.array(z.discriminatedUnion('type', [ToolCall, CustomToolCall])).nullish(),
    function_call: z.object({ name: z.string(), arguments: z.string() }).nullish(),
    audio: z.object({ id: z.string() }).nullish(),
  })
  .superRefine((message, context) => {
    const { content, refusal, tool_calls, function_call, audio } = message;
    if (content == null && refusal == null && !tool_calls?.length && !function_call && !audio)
      context.addIssue({
        code: 'custom',
        path: ['content'],
        message: 'expected text: only an assistant message with tool_calls may be without',
      });
  });

export const ChatMessage = z
  .discriminatedUnion('role', [
    z.object({ role: z.literal('system'), content: text, name }),
    z.object({ role: z.literal('developer'), content: text, name }),
    z.object({ role: z.literal('user'), content: z.union([z.string(), z.array(UserPart).min(1)]), name }),
    assistantMessage,
    z.object({ role: z.literal('tool'), content: text, tool_call_id: z.string() }),
    z.object({ role: z.literal('function'), content: z.string().nullable(), name: z.string() }),
  ])
  .meta({ id: 'ChatMessage' });
export type ChatMessage = z.infer<typeof ChatMessage>;
