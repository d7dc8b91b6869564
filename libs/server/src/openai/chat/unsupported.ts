import type { ChatCompletionRequest, ChatMessage } from '@xim/openai-schema';
import { refusal } from '../../errors/errors.ts';

interface Unsupported {
  readonly param: string;
  /** Whether the request asks for what is not there. Values that ask for what happens anyway are no request. */
  readonly asked: (request: ChatCompletionRequest) => boolean;
  readonly advice: string;
}

const textOnly = 'This service reads and writes text';

/**
 * Fields of the API that change the output and that no engine is asked for. None of them is dropped in silence. What
 * one engine can and another cannot is refused by the engine.
 */
const unsupported: readonly Unsupported[] = [
  { param: 'functions', asked: (r) => (r.functions ?? []).length > 0, advice: 'Use tools' },
  { param: 'function_call', asked: (r) => typeof r.function_call === 'object' && !!r.function_call, advice: 'Use tool_choice' }, // prettier-ignore
  { param: 'modalities', asked: (r) => r.modalities?.includes('audio') === true, advice: `${textOnly}: leave it out` },
  { param: 'audio', asked: (r) => !!r.audio, advice: `${textOnly}: leave it out` },
  { param: 'prediction', asked: (r) => !!r.prediction, advice: 'Leave it out' },
  { param: 'web_search_options', asked: (r) => !!r.web_search_options, advice: 'Leave it out' },
  { param: 'moderation', asked: (r) => !!r.moderation, advice: 'Leave it out' },
  {
    param: 'verbosity',
    asked: (r) => (r.verbosity ?? 'medium') !== 'medium',
    advice: 'Leave it out, send "medium", or ask for short or long answers in the system message',
  },
];

/** Throws InvalidInputError, by name, for the first thing in a request that no engine can be asked for. */
export function refuseUnsupported(request: ChatCompletionRequest): void {
  for (const { param, asked, advice } of unsupported) {
    if (asked(request)) throw refusal(param, `"${param}" with this value is not supported by this service`, advice);
  }
  const custom = request.tools?.findIndex((tool) => tool.type === 'custom') ?? -1;
  if (custom >= 0) throw refusal(`tools.${custom}`, 'A custom tool is not supported by this service', 'Use a function');
  for (const [i, message] of request.messages.entries()) {
    const found = unsupportedIn(message);
    if (found)
      throw refusal(`messages.${i}.${found.path}`, `${found.what} is not supported by this service`, found.advice);
  }
}

function unsupportedIn(message: ChatMessage): { path: string; what: string; advice: string } | undefined {
  if (message.role === 'function') return { path: 'role', what: 'The role "function"', advice: 'Use the role "tool"' };
  if (message.role === 'user' && Array.isArray(message.content)) {
    const at = message.content.findIndex((part) => part.type !== 'text');
    const part = message.content[at];
    if (part)
      return { path: `content.${at}`, what: `A part of type "${part.type}"`, advice: `${textOnly}: leave it out` };
  }
  if (message.role === 'assistant') {
    if (message.audio) return { path: 'audio', what: 'A spoken turn', advice: 'Send its transcript as content' };
    if (message.function_call) return { path: 'function_call', what: 'A function call', advice: 'Use tool_calls' };
    const at = message.tool_calls?.findIndex((call) => call.type !== 'function') ?? -1;
    if (at >= 0) return { path: `tool_calls.${at}`, what: 'A call of a custom tool', advice: 'Use functions' };
  }
  return undefined;
}
