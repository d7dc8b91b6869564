import type { GenerateInput, Message, Prompt, Tool, ToolCall, ToolChoice } from '@xim/engine';
import type {
  CountTokensRequest,
  MessageBlock,
  MessagesRequest,
  MessageTool,
  MessageToolChoice,
} from './request-schema.ts';

/** Names of the task's input → names of the request, for what an engine finds wrong. */
export const messageParamNames = {
  prompt: 'messages',
  'prompt.messages': 'messages',
  'prompt.tools': 'tools',
  'prompt.tools.*.parameters': 'tools.*.input_schema',
  'prompt.toolChoice': 'tool_choice',
  'prompt.continueLast': 'messages',
  maxTokens: 'max_tokens',
  stop: 'stop_sequences',
  reasoningEffort: 'thinking',
  'sampling.temperature': 'temperature',
  'sampling.topP': 'top_p',
  'sampling.topK': 'top_k',
} as const;

/** A request for a message → the task. Absent and null mean the model's own default. */
export function toGenerateInput(request: MessagesRequest): GenerateInput {
  const schema = (request.output_config?.format ?? request.output_format)?.schema;
  return {
    prompt: toPrompt(request),
    maxTokens: request.max_tokens,
    stop: request.stop_sequences?.length ? request.stop_sequences : undefined,
    sampling: {
      temperature: request.temperature ?? undefined,
      topP: request.top_p ?? undefined,
      topK: request.top_k ?? undefined,
    },
    format: schema && { type: 'json-schema', schema },
    reasoningEffort: request.thinking?.type === 'disabled' ? 'none' : (request.output_config?.effort ?? undefined),
  };
}

/** The place of the schema in a request, for what an engine finds wrong in it. */
export function toFormatPlace({ output_config: config }: MessagesRequest): string {
  return config?.format ? 'output_config.format.schema' : 'output_format.schema';
}

type Conversation = Extract<Prompt, { messages: unknown }>;

/** A conversation that ends with the assistant's words is gone on with, as that API has it. */
export function toPrompt({ system, messages, tools, tool_choice: choice }: CountTokensRequest): Conversation {
  const turns = messages.flatMap(({ role, content }): readonly Message[] => {
    if (typeof content === 'string') return [{ role, content }];
    return role === 'assistant' ? [toAssistant(content)] : toUserTurns(content);
  });
  const last = turns.at(-1);
  return {
    messages: system == null ? turns : [{ role: 'system', content: toText(system) }, ...turns],
    ...(last?.role === 'assistant' && last.toolCalls === undefined && { continueLast: true }),
    ...(tools?.length && { tools: tools.map(toTool), toolChoice: toToolChoice(choice ?? { type: 'auto' }) }),
  };
}

function toAssistant(blocks: readonly MessageBlock[]): Message {
  const text = blocks.filter((block) => block.type === 'text');
  const reasoning = blocks.flatMap((block) => (block.type === 'thinking' ? [block.thinking] : [])).join('\n');
  const toolCalls = blocks.flatMap((block): ToolCall[] =>
    block.type === 'tool_use' ? [{ id: block.id, name: block.name, arguments: JSON.stringify(block.input) }] : [],
  );
  return {
    role: 'assistant',
    content: text.length > 0 || toolCalls.length === 0 ? toText(text) : null,
    ...(reasoning !== '' && { reasoning }),
    ...(toolCalls.length > 0 && { toolCalls }),
  };
}

/** Results of tools are turns of their own; texts between them stay in their places. */
function toUserTurns(blocks: readonly MessageBlock[]): Message[] {
  const turns: Message[] = [];
  let texts: { text: string }[] = [];
  const endText = (): void => {
    if (texts.length > 0) turns.push({ role: 'user', content: toText(texts) });
    texts = [];
  };
  for (const block of blocks) {
    if (block.type === 'text') texts.push(block);
    if (block.type !== 'tool_result') continue;
    endText();
    const text = toText(block.content ?? '');
    const content = block.is_error ? `Error: ${text}` : text;
    turns.push({ role: 'tool', content, toolCallId: block.tool_use_id });
  }
  endText();
  return turns;
}

type Part = { readonly text: string } | { readonly type: string };

/** Blocks are paragraphs. */
function toText(content: string | readonly Part[]): string {
  if (typeof content === 'string') return content;
  return content.map((part) => ('text' in part ? part.text : '')).join('\n');
}

function toTool({ name, description, input_schema: parameters, strict }: MessageTool): Tool {
  return {
    name,
    description: description ?? undefined,
    parameters: parameters ?? undefined,
    strict: strict ?? undefined,
  };
}

function toToolChoice(choice: MessageToolChoice): ToolChoice {
  if (choice.type === 'none') return { mode: 'none' };
  const parallel = !choice.disable_parallel_tool_use;
  if (choice.type === 'tool') return { mode: 'required', name: choice.name, parallel };
  return { mode: choice.type === 'any' ? 'required' : 'auto', parallel };
}
