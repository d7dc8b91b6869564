import type { GenerateInput, Message, Tool, ToolCall, ToolChoice } from '@xim/engine';
import type { ResponseInputItem, ResponsesRequest, ResponseTool, ResponseToolChoice } from '@xim/openai-schema';
import { type AskedFormat, toAskedFormat } from '../output-format.ts';
import { samplingParamNames, toEnding, toSampling } from '../sampling.ts';

/** Names of the task's input → names of the request, for what an engine finds wrong. */
export const responseParamNames = {
  ...samplingParamNames,
  prompt: 'input',
  'prompt.id': 'prompt.id', // of the API's own field `prompt`, which is refused
  'prompt.messages': 'input',
  'prompt.tools': 'tools',
  'prompt.tools.*': 'tools.*',
  'prompt.toolChoice': 'tool_choice',
  'prompt.templateVariables': 'chat_template_kwargs',
  maxTokens: 'max_output_tokens',
  logprobs: 'top_logprobs',
  reasoningEffort: 'reasoning.effort',
} as const;

/** A request for a response → the task. Absent and null mean the model's own default. */
export function toGenerateInput(request: ResponsesRequest): GenerateInput {
  const { tool_choice: choice } = request;
  const tools = toAllowed(request.tools ?? [], choice);
  return {
    prompt: {
      messages: toMessages(request),
      ...(request.chat_template_kwargs && { templateVariables: request.chat_template_kwargs }),
      ...(tools.length > 0 && {
        tools: tools.map(toTool),
        toolChoice: toToolChoice(choice ?? 'auto', request.parallel_tool_calls ?? true),
      }),
    },
    maxTokens: request.max_output_tokens ?? undefined,
    sampling: toSampling(request),
    logprobs: toLogprobs(request),
    format: toResponseFormat(request)?.format,
    reasoningEffort: request.reasoning?.effort ?? undefined,
    truncate: request.truncate_prompt_tokens ?? undefined,
    ...toEnding(request),
  };
}

/** The shape that a request asks for; undefined for free text. */
export function toResponseFormat(request: ResponsesRequest): AskedFormat | undefined {
  const format = request.text?.format;
  if (format?.type === 'json_object') return { format: { type: 'json' }, place: 'text.format' };
  if (format?.type === 'json_schema')
    return { format: { type: 'json-schema', schema: format.schema }, place: 'text.format.schema' };
  return toAskedFormat(request);
}

/** Alternatives per token; any of three fields asks for probabilities. */
function toLogprobs({ include, logprobs, top_logprobs: top }: ResponsesRequest): number | undefined {
  return include?.includes('message.output_text.logprobs') || logprobs || top ? (top ?? 0) : undefined;
}

type Turn = { content: string | null; reasoning?: string; toolCalls?: ToolCall[] };

/** Thoughts, text and calls that follow each other are one turn of the assistant, as the model's template expects. */
function toMessages({ instructions, input }: ResponsesRequest): Message[] {
  const messages: Message[] = instructions == null ? [] : [{ role: 'system', content: instructions }];
  if (typeof input === 'string') return [...messages, { role: 'user', content: input }];
  let turn: Turn | undefined;
  const turnOf = (): Turn => {
    if (!turn) messages.push({ role: 'assistant', ...(turn = { content: null }) });
    return turn!;
  };
  /** The turn is in the list already: the list's last entry is replaced. */
  const add = (more: Partial<Turn>): void => {
    turn = { ...turnOf(), ...more };
    messages[messages.length - 1] = { role: 'assistant', ...turn };
  };
  for (const item of input) {
    switch (item.type) {
      case 'reasoning':
        // A thought begins a turn.
        if (turn?.content != null || turn?.toolCalls) turn = undefined;
        add({ reasoning: `${turn?.reasoning ?? ''}${toThought(item)}` });
        break;
      case 'function_call': {
        const call = { id: item.call_id, name: item.name, arguments: item.arguments };
        add({ toolCalls: [...(turn?.toolCalls ?? []), call] });
        break;
      }
      case 'function_call_output':
        turn = undefined;
        messages.push({ role: 'tool', content: toText(item.output), toolCallId: item.call_id });
        break;
      case 'message':
      case undefined:
        if (item.role === 'assistant') {
          if (turn?.content != null || turn?.toolCalls) turn = undefined;
          add({ content: toText(item.content) });
        } else {
          turn = undefined;
          messages.push({ role: item.role, content: toText(item.content) });
        }
        break;
      default: // refused before
    }
  }
  return messages;
}

function toThought({ content, summary }: Extract<ResponseInputItem, { type: 'reasoning' }>): string {
  return (content?.length ? content : (summary ?? [])).map(({ text }) => text).join('');
}

type Part = { readonly text: string } | { readonly refusal: string } | { readonly type: string };

/** Parts are joined as they are: who sends several decides what stands between them. */
function toText(content: string | readonly Part[]): string {
  if (typeof content === 'string') return content;
  return content.map((part) => ('text' in part ? part.text : 'refusal' in part ? part.refusal : '')).join('');
}

type FunctionTool = Extract<ResponseTool, { type: 'function' }>;

function toTool({ name, description, parameters, strict }: FunctionTool): Tool {
  return {
    name,
    description: description ?? undefined,
    parameters: parameters ?? undefined,
    strict: strict ?? undefined,
  };
}

/** Tools that the choice does not allow are none: the model is not told of them. */
function toAllowed(tools: readonly ResponseTool[], choice: ResponseToolChoice | null | undefined): FunctionTool[] {
  const functions = tools.filter((tool) => tool.type === 'function');
  if (choice == null || typeof choice === 'string' || choice.type !== 'allowed_tools') return functions;
  const names = new Set(choice.tools.map(({ name }) => name));
  return functions.filter(({ name }) => names.has(name));
}

function toToolChoice(choice: ResponseToolChoice, parallel: boolean): ToolChoice {
  if (typeof choice === 'string') return { mode: choice, parallel };
  if (choice.type === 'function') return { mode: 'required', name: choice.name, parallel };
  return { mode: choice.type === 'allowed_tools' ? choice.mode : 'required', parallel };
}
