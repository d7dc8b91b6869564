import type { ResponseInputItem, ResponseInputPart, ResponsesRequest } from '@xim/openai-schema';
import { refusal } from '../../errors/errors.ts';

interface Unsupported {
  readonly param: string;
  /** Whether the request asks for what is not there. Values that ask for what happens anyway are no request. */
  readonly asked: (request: ResponsesRequest) => boolean;
  readonly advice: string;
}

const stateless = 'This service keeps nothing between requests';
const wholeThought = 'Leave it out, or send "auto": a thought is answered whole, as the content of a reasoning item';
const served: readonly string[] = ['message.output_text.logprobs', 'reasoning.encrypted_content'];

/** Fields of the API that change the answer and that this service does not have. None of them is dropped in silence. */
const unsupported: readonly Unsupported[] = [
  { param: 'store', asked: (r) => r.store === true, advice: `${stateless}: leave it out, or send false` },
  {
    param: 'previous_response_id',
    asked: (r) => r.previous_response_id != null,
    advice: `${stateless}: send the output of earlier responses as items of input`,
  },
  {
    param: 'conversation',
    asked: (r) => r.conversation != null,
    advice: `${stateless}: send the conversation's items as input`,
  },
  { param: 'background', asked: (r) => r.background === true, advice: `${stateless}: use stream` },
  { param: 'prompt.id', asked: (r) => r.prompt != null, advice: `${stateless}: send instructions and input` },
  {
    param: 'context_management',
    asked: (r) => (r.context_management ?? []).length > 0,
    advice: 'Shorten the input yourself',
  },
  {
    param: 'truncation',
    asked: (r) => r.truncation === 'auto',
    advice: 'Leave it out, or use truncate_prompt_tokens',
  },
  { param: 'moderation', asked: (r) => r.moderation != null, advice: 'Leave it out' },
  {
    param: 'text.verbosity',
    asked: (r) => (r.text?.verbosity ?? 'medium') !== 'medium',
    advice: 'Leave it out, send "medium", or ask for short or long answers in the instructions',
  },
  { param: 'reasoning.summary', asked: (r) => (r.reasoning?.summary ?? 'auto') !== 'auto', advice: wholeThought },
  {
    param: 'reasoning.generate_summary',
    asked: (r) => (r.reasoning?.generate_summary ?? 'auto') !== 'auto',
    advice: wholeThought,
  },
  {
    param: 'reasoning.mode',
    asked: (r) => (r.reasoning?.mode ?? 'standard') !== 'standard',
    advice: 'Leave it out, or use reasoning.effort',
  },
  {
    param: 'reasoning.context',
    asked: (r) => (r.reasoning?.context ?? 'auto') !== 'auto',
    advice: 'Leave it out: the model’s template decides which thoughts it reads',
  },
];

/** Throws InvalidInputError, by name, for the first thing in a request that no engine can be asked for. */
export function refuseUnsupported(request: ResponsesRequest): void {
  for (const { param, asked, advice } of unsupported) {
    if (asked(request)) throw refusal(param, `"${param}" with this value is not supported by this service`, advice);
  }
  for (const [i, name] of (request.include ?? []).entries()) {
    if (!served.includes(name)) throw refusal(`include.${i}`, `"${name}" belongs to tools that are not here`, 'Leave it out'); // prettier-ignore
  }
  for (const [i, tool] of (request.tools ?? []).entries()) {
    if (tool.type !== 'function') throw refusal(`tools.${i}.type`, `A tool of type "${tool.type}" is not supported by this service`, 'Use a function'); // prettier-ignore
  }
  const { input } = request;
  if (typeof input === 'string') return;
  for (const [i, item] of input.entries()) {
    const found = unsupportedIn(item);
    if (found)
      throw refusal(`input.${i}.${found.path}`, `${found.what} is not supported by this service`, found.advice);
  }
}

interface Found {
  readonly path: string;
  readonly what: string;
  readonly advice: string;
}

function unsupportedIn(item: ResponseInputItem): Found | undefined {
  switch (item.type) {
    case 'message':
    case undefined:
      return unsupportedPart('content', item.content);
    case 'function_call_output':
      return unsupportedPart('output', item.output);
    case 'reasoning':
      if (item.content?.length || item.summary?.length || item.encrypted_content == null) return undefined;
      return { path: 'encrypted_content', what: 'An encrypted thought', advice: 'Leave the item out' };
    case 'function_call':
      return undefined;
    case 'item_reference':
      return { path: 'type', what: 'An item of type "item_reference"', advice: `${stateless}: send the item itself` };
    default:
      return { path: 'type', what: `An item of type "${item.type}"`, advice: 'Send messages, calls and their outputs' };
  }
}

type Part = ResponseInputPart | { readonly type: 'output_text' | 'refusal' };

function unsupportedPart(field: string, content: string | readonly Part[]): Found | undefined {
  if (typeof content === 'string') return undefined;
  const at = content.findIndex(({ type }) => type === 'input_image' || type === 'input_file');
  if (at < 0) return undefined;
  const advice = 'This service reads and writes text: leave it out';
  return { path: `${field}.${at}`, what: `A part of type "${content[at]!.type}"`, advice };
}
