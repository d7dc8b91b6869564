import { z } from 'zod';
import { ask, Call, chat, choicesOf, type ChatAnswer, type ChatStream, joined, streamChat } from './chat-calls.ts';
import type { Context } from './check.ts';
import { MismatchError } from './errors.ts';
import { SHARED } from './kinds.ts';
import { expectShape, expectThat, toShown } from './expectations.ts';

const parameters = {
  type: 'object',
  properties: { city: { type: 'string', enum: ['Paris', 'Rome'] }, unit: { type: 'string', enum: ['c', 'f'] } },
  required: ['city', 'unit'],
  additionalProperties: false,
};
export const tool = (name: string, more: object = {}) => ({
  type: 'function',
  function: { name, description: 'Tells the weather of a city.', parameters, ...more },
});
/** `strict`: without it the API promises neither a schema nor JSON, and the arguments depend on the model. */
export const WEATHER = tool('get_weather', { strict: true });
export const CLOCK = { type: 'function', function: { name: 'get_time', description: 'Tells the time.', strict: true } };

const Arguments = z.strictObject({ city: z.enum(['Paris', 'Rome']), unit: z.enum(['c', 'f']) });

const question = (city: string) => `What is the weather in ${city}, in degrees Celsius?`;
export const TOOL_QUESTION = question('Paris');

/** Earlier calls: a small model that sees them calls the tool again, even where a server lets it write text first. */
export const EXAMPLES = ['Rome', 'Paris', 'Rome', 'Paris'].map((city, i) => ({
  id: `call_abc12${i}`,
  question: question(city),
  input: { city, unit: 'c' },
  result: 'Sun.',
}));
const examples = EXAMPLES.flatMap(({ id, question: content, input, result }) => [
  ...ask(content),
  {
    role: 'assistant',
    content: null,
    tool_calls: [{ id, type: 'function', function: { name: 'get_weather', arguments: JSON.stringify(input) } }],
  },
  { role: 'tool', tool_call_id: id, content: result },
]);

export const toolBody = (more: object) => ({
  messages: [...examples, ...ask(TOOL_QUESTION)],
  tools: [WEATHER, CLOCK],
  max_tokens: 128,
  ...more,
});

export const required = (context: Context) =>
  context.shared('chat.tools', (own) => chat(own, toolBody({ tool_choice: 'required' })));
export const requiredStream = (context: Context) =>
  context.shared('chat.tools.stream', (own) => streamChat(own, toolBody({ tool_choice: 'required' })));

/** One call only: a small model may add calls until max_tokens cuts the text, but it finishes a single call. */
const one = { tool_choice: 'required', parallel_tool_calls: false };
export const oneCall = (context: Context) => context.shared('chat.tools.one', (own) => chat(own, toolBody(one)));
export const oneCallStream = (context: Context) =>
  context.shared('chat.tools.one.stream', (own) => streamChat(own, toolBody(one)));

export type ToolCall = z.infer<typeof Call>;

export function callsOf(answer: ChatAnswer): ToolCall[] {
  const { message } = answer.choices[0]!;
  expectThat((message.tool_calls ?? []).length > 0, 'message.tool_calls', message, SHARED.noCall);
  return expectShape(z.array(Call), message.tool_calls, 'message.tool_calls');
}

/** Expects arguments that fit the tool's schema; a tool without parameters accepts any object. */
export function expectArguments({ function: { name, arguments: text } }: Pick<ToolCall, 'function'>): void {
  const value = parse(text);
  expectThat(typeof value === 'object' && value !== null && !Array.isArray(value), 'arguments: a JSON object', text, SHARED.argumentsObject); // prettier-ignore
  if (name === WEATHER.function.name) expectShape(Arguments, value, 'arguments');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new MismatchError('arguments that are JSON', toShown(text), SHARED.argumentsJson);
  }
}

const Delta = z.looseObject({
  index: z.int().min(0),
  id: z.string().optional(),
  type: z.literal('function').optional(),
  function: z.looseObject({ name: z.string().optional(), arguments: z.string().optional() }).optional(),
});
export type ToolDelta = z.infer<typeof Delta>;

/** The pieces of calls in a stream that must have some, in order. */
export function neededDeltasOf(stream: ChatStream): ToolDelta[] {
  const deltas = deltasOf(stream);
  expectThat(deltas.length > 0, 'deltas of tool calls', joined(stream), SHARED.noCall);
  return deltas;
}

/** The pieces of calls in a stream, in order. */
export const deltasOf = (stream: ChatStream): ToolDelta[] =>
  choicesOf(stream).flatMap(({ delta }) =>
    delta?.tool_calls == null ? [] : expectShape(z.array(Delta), delta.tool_calls, 'delta.tool_calls'),
  );
