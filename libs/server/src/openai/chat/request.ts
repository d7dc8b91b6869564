import type { GenerateInput, Message, Tool, ToolCall, ToolChoice } from '@xim/engine';
import {
  allowedToolName,
  type ChatCompletionRequest,
  type ChatMessage,
  type Tool as WireTool,
  type ToolChoice as WireToolChoice,
} from '@xim/openai-schema';
import { toAskedFormat } from '../output-format.ts';
import { samplingParamNames, toEnding, toReport, toSampling } from '../sampling.ts';

/** Names of the task's input → names of the request, for what an engine finds wrong. */
export const generateParamNames = {
  ...samplingParamNames,
  prompt: 'messages',
  'prompt.messages': 'messages',
  'prompt.tools': 'tools',
  'prompt.tools.*': 'tools.*.function',
  'prompt.toolChoice': 'tool_choice',
  'prompt.continueLast': 'continue_final_message',
  'prompt.templateVariables': 'chat_template_kwargs',
  maxTokens: 'max_completion_tokens',
  logprobs: 'top_logprobs',
  reasoningEffort: 'reasoning_effort',
} as const;

/** A chat request → the task. Absent and null mean the model's own default. */
export function toGenerateInput(request: ChatCompletionRequest): GenerateInput {
  const { tool_choice: choice } = request;
  const tools = toAllowed(request.tools ?? [], choice);
  return {
    prompt: {
      messages: request.messages.map(toMessage),
      ...(request.continue_final_message && { continueLast: true }),
      ...(request.add_generation_prompt === false && { generationPrompt: false }),
      ...(request.chat_template_kwargs && { templateVariables: request.chat_template_kwargs }),
      ...(tools.length > 0 && {
        tools: tools.map(toTool),
        toolChoice: toToolChoice(choice ?? 'auto', request.parallel_tool_calls ?? true),
      }),
    },
    choices: request.n ?? undefined,
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? undefined,
    sampling: toSampling(request),
    logprobs: request.logprobs ? (request.top_logprobs ?? 0) : undefined,
    format: toAskedFormat(request)?.format,
    reasoningEffort: request.reasoning_effort ?? undefined,
    ...toEnding(request),
    ...toReport(request),
  };
}

function toMessage(message: ChatMessage): Message {
  switch (message.role) {
    case 'assistant':
      return {
        role: 'assistant',
        content: message.content != null ? toText(message.content) : (message.refusal ?? null),
        ...(message.reasoning_content != null && { reasoning: message.reasoning_content }),
        ...(message.tool_calls?.length && { toolCalls: message.tool_calls.map(toToolCall) }),
      };
    case 'tool':
      return { role: 'tool', content: toText(message.content), toolCallId: message.tool_call_id };
    case 'function':
      return { role: 'tool', content: message.content ?? '', toolCallId: message.name };
    default:
      return {
        role: message.role,
        content: toText(message.content),
        ...(message.name != null && { name: message.name }),
      };
  }
}

type Part = { readonly text: string } | { readonly refusal: string } | { readonly type: string };

/** Parts are joined as they are: who sends several decides what stands between them. */
function toText(content: string | readonly Part[]): string {
  if (typeof content === 'string') return content;
  return content.map((part) => ('text' in part ? part.text : 'refusal' in part ? part.refusal : '')).join('');
}

type WireCall = NonNullable<Extract<ChatMessage, { role: 'assistant' }>['tool_calls']>[number];

function toToolCall(call: WireCall): ToolCall {
  if (call.type === 'custom') return { id: call.id, name: call.custom.name, arguments: call.custom.input };
  return { id: call.id, name: call.function.name, arguments: call.function.arguments };
}

function toTool(tool: WireTool): Tool {
  if (tool.type === 'custom') return { name: tool.custom.name, description: tool.custom.description ?? undefined };
  const { name, description, parameters, strict } = tool.function;
  return {
    name,
    description: description ?? undefined,
    parameters: parameters ?? undefined,
    strict: strict ?? undefined,
  };
}

/** Tools that the choice does not allow are none: the model is not told of them. */
function toAllowed(tools: readonly WireTool[], choice: WireToolChoice | null | undefined): readonly WireTool[] {
  if (choice == null || typeof choice === 'string' || choice.type !== 'allowed_tools') return tools;
  const names = new Set(choice.allowed_tools.tools.map(allowedToolName));
  return tools.filter((tool) => names.has(tool.type === 'function' ? tool.function.name : tool.custom.name));
}

function toToolChoice(choice: WireToolChoice, parallel: boolean): ToolChoice {
  if (typeof choice === 'string') return { mode: choice, parallel };
  if (choice.type === 'function') return { mode: 'required', name: choice.function.name, parallel };
  return { mode: choice.type === 'allowed_tools' ? choice.allowed_tools.mode : 'required', parallel };
}
