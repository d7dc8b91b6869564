import { z } from 'zod';

const inputText = z.object({ type: z.literal('input_text'), text: z.string() });
const status = z.enum(['in_progress', 'completed', 'incomplete']);
/** Parts of inputs. The service that reads pictures and files checks their fields. */
const inputPart = z.discriminatedUnion('type', [
  inputText,
  z.object({ type: z.literal('input_image') }),
  z.object({ type: z.literal('input_file') }),
]);
export type ResponseInputPart = z.infer<typeof inputPart>;

const message = z.object({
  type: z.literal('message').optional(),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: z.union([
    z.string(),
    z
      .array(
        z.discriminatedUnion('type', [
          ...inputPart.options,
          z.object({ type: z.literal('output_text'), text: z.string() }),
          z.object({ type: z.literal('refusal'), refusal: z.string() }),
        ]),
      )
      .min(1),
  ]),
});

/** Items that only services with hosted tools or stored responses can read. */
const hostedItems = [
  ...(['file_search_call', 'computer_call', 'computer_call_output', 'web_search_call', 'tool_search_call'] as const),
  ...(['tool_search_output', 'additional_tools', 'compaction', 'image_generation_call'] as const),
  ...(['code_interpreter_call', 'local_shell_call', 'local_shell_call_output', 'shell_call'] as const),
  ...(['shell_call_output', 'apply_patch_call', 'apply_patch_call_output', 'mcp_list_tools'] as const),
  ...(['mcp_approval_request', 'mcp_approval_response', 'mcp_call', 'custom_tool_call_output'] as const),
  ...(['custom_tool_call', 'compaction_trigger', 'item_reference', 'program', 'program_output'] as const),
] as const;

/** An item of a conversation: a message, a call, the result of a call, or a thought of an earlier turn. */
export const ResponseInputItem = z
  .discriminatedUnion('type', [
    message,
    z.object({
      type: z.literal('function_call'),
      call_id: z.string(),
      name: z.string(),
      arguments: z.string().describe('The model’s JSON text.'),
    }),
    z.object({
      type: z.literal('function_call_output'),
      call_id: z.string(),
      output: z.union([z.string(), z.array(inputPart)]),
    }),
    z.object({
      type: z.literal('reasoning'),
      summary: z.array(z.object({ type: z.literal('summary_text'), text: z.string() })).nullish(),
      content: z.array(z.object({ type: z.literal('reasoning_text'), text: z.string() })).nullish(),
      encrypted_content: z.string().nullish(),
    }),
    z.object({ type: z.enum(hostedItems) }),
  ])
  .meta({ id: 'ResponseInputItem' });
export type ResponseInputItem = z.infer<typeof ResponseInputItem>;

const alternative = z.object({ token: z.string(), logprob: z.number().max(0), bytes: z.array(z.int()) });
const logprob = alternative.extend({ top_logprobs: z.array(alternative) });
export type ResponseLogprob = z.infer<typeof logprob>;

const outputText = z.object({
  type: z.literal('output_text'),
  text: z.string(),
  annotations: z.array(z.never()),
  logprobs: z.array(logprob),
});
const reasoningText = z.object({ type: z.literal('reasoning_text'), text: z.string() });

/** A part of an item's content, in events. */
export const ResponseContentPart = z.discriminatedUnion('type', [outputText, reasoningText]);
export const responseLogprobs = z.array(logprob);

/** An item of the model’s output, which a client may send back as an input item. */
export const ResponseOutputItem = z
  .discriminatedUnion('type', [
    z.object({
      type: z.literal('message'),
      id: z.string(),
      role: z.literal('assistant'),
      status,
      content: z.array(outputText),
    }),
    z.object({
      type: z.literal('function_call'),
      id: z.string(),
      call_id: z.string(),
      name: z.string(),
      arguments: z.string().describe('The model’s JSON text, which may be invalid.'),
      status,
    }),
    z.object({
      type: z.literal('reasoning'),
      id: z.string(),
      summary: z.array(z.never()),
      content: z.array(reasoningText).describe('The whole thought.'),
      status,
    }),
  ])
  .meta({ id: 'ResponseOutputItem' });
export type ResponseOutputItem = z.infer<typeof ResponseOutputItem>;
