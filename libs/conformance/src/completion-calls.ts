import { z } from 'zod';
import { expectSuccess, fetchJson } from './answers.ts';
import type { Answer } from './client.ts';
import type { Context } from './check.ts';
import { anything, expectShape } from './expectations.ts';
import { type Frames, toFrames, toObjects } from './sse.ts';

export const COMPLETIONS = '/v1/completions';
export const PROMPT = 'One, two, three, four,';

const Choice = z.looseObject({
  index: anything,
  text: z.string(),
  finish_reason: anything,
  logprobs: anything,
});
const Answered = z.looseObject({
  id: anything,
  choices: z.array(Choice).min(1),
  usage: z.looseObject({ prompt_tokens: z.number().optional(), completion_tokens: z.number().optional() }).optional(),
});
export type CompletionAnswer = z.infer<typeof Answered>;

export const completionBody = (context: Context, more: object = {}) => ({
  model: context.model,
  prompt: PROMPT,
  temperature: 0,
  max_tokens: 12,
  ...more,
});

export async function complete(context: Context, more: object = {}): Promise<CompletionAnswer> {
  const body = completionBody(context, more);
  return expectShape(Answered, await fetchJson(context, { path: COMPLETIONS, body }), 'answer');
}

export const tryComplete = (context: Context, more: object): Promise<Answer> =>
  context.send({ path: COMPLETIONS, body: completionBody(context, more) });

const Chunk = z.looseObject({
  id: anything,
  object: anything,
  created: anything,
  model: anything,
  usage: anything,
  choices: z.array(z.looseObject({ index: anything, text: z.string().nullish(), finish_reason: anything })).default([]),
});
export type CompletionChunk = z.infer<typeof Chunk>;

export interface CompletionStream extends Frames {
  readonly answer: Answer;
  readonly chunks: readonly CompletionChunk[];
}

export async function streamCompletion(context: Context, more: object = {}): Promise<CompletionStream> {
  const answer = await tryComplete(context, { stream: true, ...more });
  expectSuccess(answer);
  const frames = toFrames(answer.text);
  const chunks = toObjects(frames).map((value, i) => expectShape(Chunk, value, `chunk ${i}`));
  return { ...frames, answer, chunks };
}

export const joinedText = ({ chunks }: CompletionStream, index = 0): string =>
  chunks
    .flatMap(({ choices }) => choices)
    .filter((choice) => (choice.index ?? 0) === index)
    .map((choice) => choice.text ?? '')
    .join('');

export const wholeCompletion = (context: Context) => context.shared('completions', (own) => complete(own));
export const streamedCompletion = (context: Context) =>
  context.shared('completions.stream', (own) => streamCompletion(own));
export const completionUsageStream = (context: Context) =>
  context.shared('completions.usage', (own) => streamCompletion(own, { stream_options: { include_usage: true } }));
