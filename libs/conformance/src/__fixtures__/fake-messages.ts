/* eslint-disable @typescript-eslint/no-explicit-any -- bodies of requests, checked by hand */
import { type Exchange, Refusal } from './fake-exchange.ts';
import { toTokens } from './fake-model.ts';
import { newId } from './fake-openai.ts';
import { askChat } from './fake-responses.ts';

const TYPES: Readonly<Record<number, string>> = { 400: 'invalid_request_error', 404: 'not_found_error' };

/** The error object of Anthropic's API. */
function refuse(message: string, status = 400): never {
  throw new Refusal(status, { type: 'error', error: { type: TYPES[status], message } });
}

const join = (content: any): string =>
  typeof content === 'string' ? content : content.map((block: any) => block.text ?? join(block.content ?? '')).join('');

function toTurn({ role, content }: any): object {
  if (typeof content === 'string') return { role, content };
  if (content.some(({ type }: any) => type === 'tool_use'))
    return { role, content: null, tool_calls: [{ id: content[0].id }] };
  const tool = content.some(({ type }: any) => type === 'tool_result');
  return { role: tool ? 'tool' : role, content: join(content) };
}

function toToolChoice(choice: any): unknown {
  if (choice?.type === 'tool') return { type: 'function', function: { name: choice.name } };
  return choice?.type === 'any' ? 'required' : choice?.type;
}

function ask(exchange: Exchange): any {
  const { request: body } = exchange;
  if (!Array.isArray(body.messages) || body.messages.length === 0) refuse('messages: expected a list');
  if (body.temperature > 1) refuse('temperature: from 0 to 1');
  const { tools = [], tool_choice: choice } = body;
  if (choice?.type === 'tool' && !tools.some(({ name }: any) => name === choice.name)) refuse(`no tool ${choice.name}`);
  const system = body.system === undefined ? [] : [{ role: 'system', content: join(body.system) }];
  const request = {
    ...{ model: body.model, temperature: body.temperature, max_tokens: body.max_tokens, stop: body.stop_sequences },
    messages: [...system, ...body.messages.map(toTurn)],
    tools: tools.map(({ name }: any) => ({ type: 'function', function: { name } })),
    tool_choice: toToolChoice(choice),
  };
  try {
    return askChat(exchange, request, {});
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { message, param } = (error.body as any).error;
    return refuse(`${param ?? ''} ${message}`, error.status);
  }
}

export function countTokens(exchange: Exchange): unknown {
  return { input_tokens: ask({ ...exchange, request: { ...exchange.request, max_tokens: 1 } }).usage.prompt_tokens };
}

export function messages(exchange: Exchange): unknown {
  const { request: body } = exchange;
  if (!(body.max_tokens >= 1)) refuse('max_tokens: at least 1');
  const { choices, usage } = ask(exchange);
  const [{ message, finish_reason: reason }] = choices;
  const calls = message.tool_calls as any[] | undefined;
  const content = calls
    ? calls.map(({ id, function: called }) => ({ type: 'tool_use', id, name: called.name, input: JSON.parse(called.arguments) })) // prettier-ignore
    : [{ type: 'text', text: message.content }];
  const stopped = reason === 'stop' && body.stop_sequences?.length > 0;
  const stop = {
    stop_reason: calls ? 'tool_use' : stopped ? 'stop_sequence' : reason === 'length' ? 'max_tokens' : 'end_turn',
    stop_sequence: stopped ? body.stop_sequences[0] : null,
  };
  const counts = { input_tokens: usage.prompt_tokens, output_tokens: usage.completion_tokens };
  const answer = {
    ...{ id: newId('msg'), type: 'message', role: 'assistant', model: body.model, content, ...stop },
    usage: counts,
  };
  if (!body.stream) return answer;
  const open = {
    ...answer,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { ...counts, output_tokens: 0 },
  };
  exchange.named = true;
  exchange.frames = [
    { type: 'message_start', message: open },
    ...content.flatMap(toEvents),
    { type: 'message_delta', delta: stop, usage: counts },
    { type: 'message_stop' },
  ];
  return undefined;
}

function toEvents(block: any, index: number): object[] {
  const begun = block.type === 'text' ? { ...block, text: '' } : { ...block, input: {} };
  const deltas =
    block.type === 'text'
      ? toTokens(block.text).map((text) => ({ type: 'text_delta', text }))
      : toTokens(JSON.stringify(block.input, null, 1)).map((text) => ({
          type: 'input_json_delta',
          partial_json: text,
        }));
  return [
    { type: 'content_block_start', index, content_block: begun },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
}
