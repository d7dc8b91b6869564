import { z } from 'zod';

/*
 * The wire of Anthropic's Messages API (https://docs.anthropic.com/en/api/messages): requests. Unknown fields are
 * dropped, as marks for its prompt cache are: the prefix cache of an engine needs none.
 */

const text = z.object({ type: z.literal('text'), text: z.string() });
const texts = z.union([z.string(), z.array(text)]);
/** Blocks that need eyes, files or hosted tools. */
const otherBlocks = [
  ...(['image', 'document', 'search_result', 'redacted_thinking', 'server_tool_use'] as const),
  ...(['web_search_tool_result', 'web_fetch_tool_result', 'code_execution_tool_result'] as const),
  ...(['bash_code_execution_tool_result', 'text_editor_code_execution_tool_result', 'container_upload'] as const),
  ...(['tool_search_tool_result', 'tool_reference', 'mcp_tool_use', 'mcp_tool_result', 'compaction'] as const),
] as const;
const other = z.object({ type: z.enum(otherBlocks) });

const block = z.discriminatedUnion('type', [
  text,
  z.object({ type: z.literal('thinking'), thinking: z.string() }),
  z.object({
    type: z.literal('tool_use'),
    id: z.string(),
    name: z.string(),
    input: z.record(z.string(), z.unknown()),
  }),
  z.object({
    type: z.literal('tool_result'),
    tool_use_id: z.string(),
    content: z.union([z.string(), z.array(z.discriminatedUnion('type', [text, other]))]).nullish(),
    is_error: z.boolean().nullish(),
  }),
  other,
]);
export type MessageBlock = z.infer<typeof block>;

const message = z.object({
  role: z.enum(['user', 'assistant']),
  content: z.union([z.string(), z.array(block).min(1)]),
});

const tool = z.object({
  type: z.string().nullish().describe('Absent or "custom": a tool that the client runs.'),
  name: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, 'expected 1 to 128 letters, digits, "_" or "-"'),
  description: z.string().nullish(),
  input_schema: z.record(z.string(), z.unknown()).nullish().describe('JSON Schema of the input.'),
  strict: z.boolean().nullish(),
});
export type MessageTool = z.infer<typeof tool>;

const parallel = { disable_parallel_tool_use: z.boolean().nullish() };
const toolChoice = z.discriminatedUnion('type', [
  z.object({ type: z.literal('auto'), ...parallel }),
  z.object({ type: z.literal('any'), ...parallel }),
  z.object({ type: z.literal('tool'), name: z.string(), ...parallel }),
  z.object({ type: z.literal('none') }),
]);
export type MessageToolChoice = z.infer<typeof toolChoice>;

const format = z.object({ type: z.literal('json_schema'), schema: z.record(z.string(), z.unknown()) }).nullish();

const prompt = {
  model: z.string().nullish().describe('Left out, it is the one that is served, unless the service is strict.'),
  messages: z.array(message).min(1),
  system: texts.nullish(),
  tools: z.array(tool).max(128).nullish(),
  tool_choice: toolChoice.nullish(),
  thinking: z
    .discriminatedUnion('type', [
      z.object({ type: z.literal('enabled'), budget_tokens: z.int().min(1) }),
      z.object({ type: z.literal('adaptive') }),
      z.object({ type: z.literal('disabled') }),
    ])
    .nullish(),
  output_config: z.object({ effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).nullish(), format }).nullish(),
  output_format: format.describe('Older name of output_config.format.'),
};

interface ToolFields {
  readonly tools?: readonly MessageTool[] | null | undefined;
  readonly tool_choice?: MessageToolChoice | null | undefined;
}

/** Each tool has a name of its own, and what is chosen is there. */
function checkTools({ tools, tool_choice: choice }: ToolFields, context: z.RefinementCtx): void {
  const issue = (wrong: string, ...path: (string | number)[]) =>
    context.addIssue({ code: 'custom', path, message: wrong });
  const names = (tools ?? []).map(({ name }) => name);
  names.forEach((name, i) => {
    if (names.indexOf(name) < i) issue(`expected a name of its own; there is another tool "${name}"`, 'tools', i);
  });
  if (choice?.type === 'any' && names.length === 0) issue('only allowed with tools', 'tool_choice');
  if (choice?.type === 'tool' && !names.includes(choice.name))
    issue(`there is no tool "${choice.name}"`, 'tool_choice', 'name');
}

/** The body of `POST /v1/messages/count_tokens`. */
export const CountTokensRequest = z.object(prompt).superRefine(checkTools).meta({ id: 'CountTokensRequest' });
export type CountTokensRequest = z.infer<typeof CountTokensRequest>;

const opaque = z.unknown().optional();

/** The body of `POST /v1/messages`. */
export const MessagesRequest = z
  .object({
    ...prompt,
    max_tokens: z.int().min(1),
    stop_sequences: z.array(z.string().min(1)).max(4096).nullish(),
    temperature: z.number().min(0).max(1).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    top_k: z.int().min(0).nullish(),
    stream: z.boolean().nullish(),
    metadata: z.object({ user_id: z.string().nullish() }).nullish(),
    service_tier: z.enum(['auto', 'standard_only']).nullish(),
    container: opaque,
    context_management: opaque,
    mcp_servers: opaque,
  })
  .superRefine(checkTools)
  .meta({ id: 'MessagesRequest' });
export type MessagesRequest = z.infer<typeof MessagesRequest>;
