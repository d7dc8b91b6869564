import { z } from 'zod';
import type { Answer } from './client.ts';
import type { Context } from './check.ts';
import { expectSuccess, fetchJson } from './answers.ts';
import { anything, expectShape } from './expectations.ts';
import { type Frames, toFrames, toObjects } from './sse.ts';

export const CHAT = '/v1/chat/completions';

/** Any model writes a long answer to this question, and it has no special tokens. */
export const QUESTION = 'Count from one to fifty in words.';
export const ask = (content: unknown = QUESTION) => [{ role: 'user', content }];

export const count = z.int().min(0);
/** Seconds since 1970; the upper bound excludes milliseconds. */
export const seconds = z.int('whole seconds since 1970').min(1).max(1e11, 'whole seconds since 1970');

export const Usage = z
  .looseObject({ prompt_tokens: z.int().min(1), completion_tokens: count, total_tokens: count })
  .refine((u) => u.total_tokens === u.prompt_tokens + u.completion_tokens, 'the sum of the other two as total_tokens');

const Counts = z.looseObject({ prompt_tokens: z.number(), completion_tokens: z.number() });
/** The numbers of tokens of an answer. Throws a MismatchError if the answer has none. */
export const countsOf = ({ usage }: { readonly usage?: unknown }) => expectShape(Counts, usage, 'usage');

export const Call = z.looseObject({
  id: z.string().min(1),
  type: z.literal('function'),
  function: z.looseObject({ name: z.string().min(1), arguments: z.string() }),
});

export const TokenLogprob = z.looseObject({
  token: z.string(),
  logprob: z.number().max(0),
  bytes: z.array(z.int().min(0).max(255)).nullable(),
  top_logprobs: z.array(
    z.looseObject({ token: z.string(), logprob: z.number().max(0), bytes: z.array(z.int()).nullable() }),
  ),
});

export const FINISH_REASONS = ['stop', 'length', 'tool_calls', 'content_filter'] as const;

/** The fields of an answer that the checks read; `chat.fields` checks the other fields. */
const Choice = z.looseObject({
  index: z.int().optional(),
  message: z.looseObject({ content: z.string().nullish(), tool_calls: z.array(z.looseObject({})).nullish() }),
  finish_reason: z.string().nullish(),
  logprobs: anything,
});
const Answered = z.looseObject({
  id: anything,
  choices: z.array(Choice).min(1),
  usage: z.looseObject({ prompt_tokens: z.number().optional(), completion_tokens: z.number().optional() }).optional(),
});
export type ChatAnswer = z.infer<typeof Answered>;

/** The default request of a check: short, and with reproducible answers. */
export const chatBody = (context: Context, more: object = {}) => ({
  model: context.model,
  messages: ask(),
  temperature: 0,
  max_tokens: 16,
  ...more,
});

export async function chat(context: Context, more: object = {}): Promise<ChatAnswer> {
  const body = chatBody(context, more);
  return expectShape(Answered, await fetchJson(context, { path: CHAT, body }), 'answer');
}

/** The raw answer, for requests that the server must refuse. */
export const tryChat = (context: Context, more: object): Promise<Answer> =>
  context.send({ path: CHAT, body: chatBody(context, more) });

export const textOf = (answer: ChatAnswer, choice = 0): string => answer.choices[choice]?.message.content ?? '';

const Chunk = z.looseObject({
  id: anything,
  object: anything,
  created: anything,
  model: anything,
  usage: anything,
  choices: z
    .array(
      z.looseObject({
        index: anything,
        delta: z.looseObject({ role: anything, content: z.string().nullish(), tool_calls: anything }).optional(),
        finish_reason: anything,
        logprobs: anything,
      }),
    )
    .default([]),
});
export type ChatChunk = z.infer<typeof Chunk>;

export interface ChatStream extends Frames {
  readonly answer: Answer;
  readonly chunks: readonly ChatChunk[];
}

export async function streamChat(context: Context, more: object = {}): Promise<ChatStream> {
  const answer = await tryChat(context, { stream: true, ...more });
  expectSuccess(answer);
  const frames = toFrames(answer.text);
  const chunks = toObjects(frames).map((value, i) => expectShape(Chunk, value, `chunk ${i}`));
  return { ...frames, answer, chunks };
}

/** The choices of all chunks, in order, with the index of their chunk. */
export const choicesOf = ({ chunks }: ChatStream) =>
  chunks.flatMap(({ choices }, chunk) => choices.map((choice) => ({ ...choice, chunk })));

export const joined = (stream: ChatStream, index = 0): string =>
  choicesOf(stream)
    .filter((choice) => (choice.index ?? 0) === index)
    .map((choice) => choice.delta?.content ?? '')
    .join('');

export const wholeChat = (context: Context) => context.shared('chat', (own) => chat(own));
export const streamedChat = (context: Context) => context.shared('chat.stream', (own) => streamChat(own));
export const usageStream = (context: Context) =>
  context.shared('chat.usage', (own) => streamChat(own, { stream_options: { include_usage: true } }));
export const twoStreams = (context: Context) =>
  context.shared('chat.two', (own) => streamChat(own, { n: 2, temperature: 1 }));
