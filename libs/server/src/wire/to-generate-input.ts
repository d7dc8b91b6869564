import type { GenerateInput, Message, OutputFormat, Tool, ToolCall, ToolChoice } from '@xim/engine';
import type {
  ChatCompletionRequest,
  ChatMessage,
  ResponseFormat,
  Tool as WireTool,
  ToolChoice as WireToolChoice,
} from '@xim/openai-schema';

/** Names of the task's input → names of the request, for what an engine finds wrong. */
export const generateParamNames = {
  prompt: 'messages',
  'prompt.messages': 'messages',
  'prompt.tools': 'tools',
  'prompt.toolChoice': 'tool_choice',
  choices: 'n',
  maxTokens: 'max_completion_tokens',
  format: 'response_format',
  ignoreEnd: 'ignore_eos',
  'sampling.temperature': 'temperature',
  'sampling.topP': 'top_p',
  'sampling.topK': 'top_k',
  'sampling.seed': 'seed',
  'sampling.presencePenalty': 'presence_penalty',
  'sampling.frequencyPenalty': 'frequency_penalty',
  'sampling.repetitionPenalty': 'repetition_penalty',
  'sampling.logitBias': 'logit_bias',
} as const;

/** A chat request → the task. Absent and null mean the model's own default. */
export function toGenerateInput(request: ChatCompletionRequest): GenerateInput {
  const { tools, tool_choice: choice } = request;
  return {
    prompt: {
      messages: request.messages.map(toMessage),
      ...(tools?.length && { tools: tools.map(toTool) }),
      ...(tools?.length && { toolChoice: toToolChoice(choice ?? 'auto', request.parallel_tool_calls ?? true) }),
    },
    choices: request.n ?? undefined,
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? undefined,
    stop: typeof request.stop === 'string' ? [request.stop] : (request.stop ?? undefined),
    sampling: {
      temperature: request.temperature ?? undefined,
      topP: request.top_p ?? undefined,
      topK: request.top_k != null && request.top_k > 0 ? request.top_k : undefined,
      seed: request.seed == null ? undefined : toSeed(request.seed),
      presencePenalty: request.presence_penalty ?? undefined,
      frequencyPenalty: request.frequency_penalty ?? undefined,
      repetitionPenalty: request.repetition_penalty ?? undefined,
      logitBias: Object.keys(request.logit_bias ?? {}).length > 0 ? request.logit_bias! : undefined,
    },
    logprobs: request.logprobs ? (request.top_logprobs ?? 0) : undefined,
    format: request.response_format ? toFormat(request.response_format) : undefined,
    ignoreEnd: request.ignore_eos ?? undefined,
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

function toToolChoice(choice: WireToolChoice, parallel: boolean): ToolChoice {
  if (typeof choice === 'string') return { mode: choice, parallel };
  if (choice.type === 'function') return { mode: 'required', name: choice.function.name, parallel };
  return { mode: choice.type === 'allowed_tools' ? choice.allowed_tools.mode : 'required', parallel };
}

function toFormat(format: ResponseFormat): OutputFormat | undefined {
  if (format.type === 'text') return undefined;
  if (format.type === 'json_object') return { type: 'json' };
  return { type: 'json-schema', schema: format.json_schema.schema ?? {} };
}

/** OpenAI's seeds are any 64-bit integers, the task's are not negative: each negative one gets a number of its own. */
function toSeed(seed: number): number {
  const size = 2 ** 53;
  const rest = seed % size;
  return rest < 0 ? rest + size : rest;
}
