import { z } from 'zod';
import { fetchJson } from './answers.ts';
import { ask, count, QUESTION } from './chat-calls.ts';
import type { Context } from './check.ts';
import type { Answer } from './client.ts';
import { anything, expectShape, expectThat } from './expectations.ts';
import { SHARED } from './kinds.ts';
import { type EventStream, toEventStream } from './named-events.ts';
import { EXAMPLES, TOOL_QUESTION, WEATHER } from './tool-calls.ts';

export const RESPONSES = '/v1/responses';

/** Tokens of a response; the API counts under other names than chat completions. */
export const ResponseUsage = z
  .looseObject({
    input_tokens: z.int().min(1),
    output_tokens: count,
    total_tokens: count,
    input_tokens_details: z.looseObject({ cached_tokens: count }),
    output_tokens_details: z.looseObject({ reasoning_tokens: count }),
  })
  .refine((u) => u.total_tokens === u.input_tokens + u.output_tokens, 'the sum of the other two as total_tokens');

/** The fields that the checks read; `responses.fields` checks the other fields. */
const Answered = z.looseObject({
  id: z.string(),
  status: anything,
  output: z.array(z.looseObject({ type: z.string(), content: anything })),
  usage: z.looseObject({ input_tokens: z.number(), output_tokens: z.number() }),
});
type ResponseAnswer = z.infer<typeof Answered>;

/** The default request of a check. OpenAI allows no fewer than 16 tokens. */
export const responseBody = (context: Context, more: object = {}) => ({
  model: context.model,
  input: QUESTION,
  temperature: 0,
  max_output_tokens: 16,
  ...more,
});

export const toResponse = (value: unknown): ResponseAnswer => expectShape(Answered, value, 'response');

export const respond = async (context: Context, more: object = {}): Promise<ResponseAnswer> =>
  toResponse(await fetchJson(context, { path: RESPONSES, body: responseBody(context, more) }));

/** The raw answer, for requests that the server must or may refuse. */
export const tryRespond = (context: Context, more: object): Promise<Answer> =>
  context.send({ path: RESPONSES, body: responseBody(context, more) });

export const streamResponse = async (context: Context, more: object = {}): Promise<EventStream> =>
  toEventStream(await tryRespond(context, { stream: true, ...more }));

const Message = z.looseObject({
  type: z.literal('message'),
  id: z.string().min(1),
  role: z.literal('assistant'),
  status: z.enum(['in_progress', 'completed', 'incomplete']),
  content: z.array(
    z.looseObject({ type: z.literal('output_text'), text: z.string(), annotations: z.array(z.unknown()) }),
  ),
});

/** The messages of an output, complete in their fields. */
export const messagesOf = ({ output }: ResponseAnswer) =>
  output.filter(({ type }) => type === 'message').map((item) => expectShape(Message, item, 'message'));

export const outputText = (answer: ResponseAnswer): string =>
  messagesOf(answer)
    .flatMap(({ content }) => content.map(({ text }) => text))
    .join('');

const FunctionCall = z.looseObject({
  type: z.literal('function_call'),
  id: z.string().min(1),
  call_id: z.string().min(1),
  name: z.string().min(1),
  arguments: z.string(),
  status: z.enum(['in_progress', 'completed', 'incomplete']),
});

/** The calls of an output. Throws a MismatchError if there is none. */
export function functionCallsOf({ output }: ResponseAnswer) {
  const calls = output.filter(({ type }) => type === 'function_call');
  expectThat(calls.length > 0, 'an item of type function_call', output, SHARED.noCall);
  return expectShape(z.array(FunctionCall), calls, 'function calls');
}

/** The tool of the chat checks in the form of this API, which has no `function` object. */
export const FLAT_TOOL = { type: 'function', ...WEATHER.function };

const examples = EXAMPLES.flatMap(({ id, question, input, result }) => [
  ...ask(question),
  { type: 'function_call', call_id: id, name: FLAT_TOOL.name, arguments: JSON.stringify(input) },
  { type: 'function_call_output', call_id: id, output: result },
]);

/** One call only: a small model finishes a single call. */
export const flatToolBody = (more: object = {}) => ({
  input: [...examples, ...ask(TOOL_QUESTION)],
  tools: [FLAT_TOOL],
  tool_choice: 'required',
  parallel_tool_calls: false,
  max_output_tokens: 128,
  ...more,
});

export const wholeResponse = (context: Context) => context.shared('responses', (own) => respond(own));
export const streamedResponse = (context: Context) => context.shared('responses.stream', (own) => streamResponse(own));
export const streamedCall = (context: Context) =>
  context.shared('responses.tools.stream', (own) => streamResponse(own, flatToolBody()));
