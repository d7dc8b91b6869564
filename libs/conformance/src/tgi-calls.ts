import { z } from 'zod';
import { expectSuccess, fetchJson } from './answers.ts';
import type { Answer } from './client.ts';
import type { Context } from './check.ts';
import { anything, expectShape, expectThat } from './expectations.ts';
import { type Frames, toFrames, toObjects } from './sse.ts';

export const GENERATE = '/generate';
export const GENERATE_STREAM = '/generate_stream';
export const INPUTS = 'One, two, three, four,';

const count = z.int().min(0);
export const Token = z.looseObject({
  id: count,
  text: z.string(),
  logprob: z.number().max(0).nullable(),
  special: z.boolean(),
});
export const TgiFinishReason = z.enum(['length', 'eos_token', 'stop_sequence']);

export const Details = z
  .looseObject({
    finish_reason: TgiFinishReason,
    generated_tokens: count,
    seed: count.nullish(),
    prefill: z.array(z.looseObject({ id: count, text: z.string(), logprob: z.number().max(0).nullable() })),
    tokens: z.array(Token),
  })
  .refine(({ tokens, generated_tokens }) => tokens.length === generated_tokens, 'as many tokens as generated_tokens');

export const StreamDetails = z.looseObject({
  finish_reason: TgiFinishReason,
  generated_tokens: count,
  input_length: count,
  seed: count.nullish(),
});

const Generated = z.looseObject({ generated_text: z.string(), details: anything });

export const tgiBody = (parameters: object = {}, more: object = {}) => ({
  inputs: INPUTS,
  parameters: { max_new_tokens: 10, ...parameters },
  ...more,
});

export async function generate(context: Context, parameters: object = {}) {
  const body = tgiBody(parameters);
  return expectShape(Generated, await fetchJson(context, { path: GENERATE, body }), 'answer');
}

export const tryGenerate = (context: Context, body: unknown, path = GENERATE): Promise<Answer> =>
  context.send({ path, body });

const Event = z.looseObject({
  index: anything,
  token: anything,
  generated_text: anything,
  details: anything,
});

export interface TgiStream extends Frames {
  readonly answer: Answer;
  readonly events: readonly z.infer<typeof Event>[];
}

export async function streamGenerate(
  context: Context,
  parameters: object = {},
  path = GENERATE_STREAM,
): Promise<TgiStream> {
  const answer = await tryGenerate(context, tgiBody(parameters, path === '/' ? { stream: true } : {}), path);
  expectSuccess(answer);
  const frames = toFrames(answer.text);
  const events = toObjects(frames).map((value, i) => expectShape(Event, value, `event ${i}`));
  expectThat(events.length > 0, 'events', answer.text);
  return { ...frames, answer, events };
}

export const wholeGenerate = (context: Context) => context.shared('tgi', (own) => generate(own));
export const detailedGenerate = (context: Context) =>
  context.shared('tgi.details', (own) => generate(own, { details: true }));
export const generateStream = (context: Context) => context.shared('tgi.stream', (own) => streamGenerate(own));
export const detailedStream = (context: Context) =>
  context.shared('tgi.stream.details', (own) => streamGenerate(own, { details: true }));
