import { z } from 'zod';
import { expectStatus, expectSuccess, fetchJson, toJson } from './answers.ts';
import { ask, count } from './chat-calls.ts';
import type { Context } from './check.ts';
import type { Answer } from './client.ts';
import { anything, expectShape, expectThat } from './expectations.ts';
import { SHARED } from './kinds.ts';
import { type EventStream, toEventStream } from './named-events.ts';
import { EXAMPLES, TOOL_QUESTION, WEATHER } from './tool-calls.ts';

/** Anthropic's Messages API (https://docs.anthropic.com/en/api/messages). */
export const MESSAGES = '/v1/messages';

/** Anthropic's SDKs send this header in every request. */
const headers = { 'anthropic-version': '2023-06-01' };

/** Tokens of the input that were read from a cache are not in `input_tokens`. */
export const MessageUsage = z.looseObject({
  input_tokens: count,
  output_tokens: count,
  cache_read_input_tokens: count.nullish(),
  cache_creation_input_tokens: count.nullish(),
});

export const STOP_REASONS = ['end_turn', 'max_tokens', 'stop_sequence', 'tool_use', 'pause_turn', 'refusal'] as const;

/** The fields that the checks read; `messages.fields` checks the other fields. */
const Answered = z.looseObject({
  content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
  stop_reason: anything,
  stop_sequence: anything,
  usage: MessageUsage,
});
export type MessageAnswer = z.infer<typeof Answered>;

export const messageBody = (context: Context, more: object = {}) => ({
  model: context.model,
  messages: ask(),
  temperature: 0,
  max_tokens: 16,
  ...more,
});

export const tryMessage = (context: Context, more: object = {}): Promise<Answer> =>
  context.send({ path: MESSAGES, body: messageBody(context, more), headers });

export async function message(context: Context, more: object = {}): Promise<MessageAnswer> {
  const answer = await tryMessage(context, more);
  expectSuccess(answer);
  return expectShape(Answered, toJson(answer), 'answer');
}

export const streamMessage = async (context: Context, more: object = {}): Promise<EventStream> =>
  toEventStream(await tryMessage(context, { stream: true, ...more }));

/** The tokens of the whole input. */
export const inputOf = ({ usage }: { readonly usage: z.infer<typeof MessageUsage> }): number =>
  usage.input_tokens + (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0);

export const messageText = ({ content }: MessageAnswer): string =>
  content.map(({ type, text }) => (type === 'text' ? (text ?? '') : '')).join('');

/** The tool of the chat checks in the form of this API. */
const { parameters, ...named } = WEATHER.function;
const { name } = named;
export const INPUT_TOOL = { ...named, input_schema: parameters };

const examples = EXAMPLES.flatMap(({ id, question, input, result }) => [
  ...ask(question),
  { role: 'assistant', content: [{ type: 'tool_use', id, name, input }] },
  { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: result }] },
]);

export const inputToolBody = (more: object = {}) => ({
  messages: [...examples, ...ask(TOOL_QUESTION)],
  tools: [INPUT_TOOL],
  tool_choice: { type: 'any', disable_parallel_tool_use: true },
  max_tokens: 128,
  ...more,
});

export const ToolUse = z.looseObject({
  type: z.literal('tool_use'),
  id: z.string().min(1),
  name: z.string().min(1),
  input: z.looseObject({}),
});

/** The counted tokens of an input. */
export async function countTokens(context: Context, more: object = {}): Promise<number> {
  const { model, messages } = messageBody(context);
  const body = { model, messages, ...more };
  const counted = await fetchJson(context, { path: `${MESSAGES}/count_tokens`, body, headers });
  return expectShape(z.looseObject({ input_tokens: count }), counted, 'answer').input_tokens;
}

const MessageError = z.looseObject({
  type: z.literal('error'),
  error: z.looseObject({ type: z.string(), message: z.string().min(1) }),
});

const ERROR_TYPES = ['invalid_request_error', 'authentication_error', 'billing_error', 'permission_error', 'not_found_error', 'request_too_large', 'rate_limit_error', 'timeout_error', 'api_error', 'overloaded_error'] as const; // prettier-ignore

/** Expects an error in Anthropic's error object whose message names `word`. `title`: see WantedError. */
export function expectMessageError(answer: Answer, status: number, type: string, word: string, title?: string): void {
  // prettier-ignore
  expectStatus(answer, status, title);
  const { error } = expectShape(MessageError, toJson(answer), 'the error object');
  const known = ERROR_TYPES.some((one) => one === error.type);
  expectThat(error.type === type, `error.type to be ${type}`, error, known ? undefined : SHARED.errorType);
  expectThat(error.message.includes(word), `a message that names ${word}`, error);
}

export const wholeMessage = (context: Context) => context.shared('messages', (own) => message(own));
export const streamedMessage = (context: Context) => context.shared('messages.stream', (own) => streamMessage(own));
