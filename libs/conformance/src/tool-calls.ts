import { z } from 'zod';
import { ask, Call, chat, choicesOf, type ChatAnswer, type ChatStream, streamChat } from './chat-calls.ts';
import type { Context } from './check.ts';
import { MismatchError } from './errors.ts';
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
export const WEATHER = tool('get_weather');
export const CLOCK = { type: 'function', function: { name: 'get_time', description: 'Tells the time.' } };

const Arguments = z.strictObject({ city: z.enum(['Paris', 'Rome']), unit: z.enum(['c', 'f']) });

export const toolBody = (more: object) => ({
  messages: ask('What is the weather in Paris, in degrees Celsius?'),
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
  return expectShape(z.array(Call).min(1), answer.choices[0]!.message.tool_calls, 'message.tool_calls');
}

/** Expects arguments that fit the tool's schema; a tool without parameters accepts any object. */
export function expectArguments({ function: { name, arguments: text } }: Pick<ToolCall, 'function'>): void {
  const value = parse(text);
  expectThat(typeof value === 'object' && value !== null && !Array.isArray(value), 'arguments: a JSON object', text);
  if (name === WEATHER.function.name) expectShape(Arguments, value, 'arguments');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new MismatchError('arguments that are JSON', toShown(text));
  }
}

const Delta = z.looseObject({
  index: z.int().min(0),
  id: z.string().optional(),
  type: z.literal('function').optional(),
  function: z.looseObject({ name: z.string().optional(), arguments: z.string().optional() }).optional(),
});
export type ToolDelta = z.infer<typeof Delta>;

/** The pieces of calls in a stream, in order. */
export const deltasOf = (stream: ChatStream): ToolDelta[] =>
  choicesOf(stream).flatMap(({ delta }) =>
    delta?.tool_calls == null ? [] : expectShape(z.array(Delta), delta.tool_calls, 'delta.tool_calls'),
  );
