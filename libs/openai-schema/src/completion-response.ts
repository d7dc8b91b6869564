import { z } from 'zod';
import { CompletionUsage, promptReport, tokenIds } from './chat-response.ts';

/** Log probabilities of a choice's tokens, in parallel lists. */
export const CompletionLogprobs = z
  .object({
    tokens: z
      .array(z.string())
      .describe('An incomplete character is written as "bytes:" and its bytes: bytes:\\xe6\\x9d.'),
    token_logprobs: z
      .array(z.number().max(0).nullable())
      .describe('Null for the first token of an echoed prompt, since no token is before it.'),
    top_logprobs: z
      .array(z.record(z.string(), z.number().max(0)).nullable())
      .describe('Maps the alternatives and the token itself to log probabilities.'),
    text_offset: z.array(z.int()).describe('The start of the token, in characters from the beginning of the prompt.'),
  })
  .meta({ id: 'CompletionLogprobs' });
export type CompletionLogprobs = z.infer<typeof CompletionLogprobs>;

const finishReason = z.enum(['stop', 'length', 'content_filter']);

const envelope = {
  id: z.string(),
  object: z.literal('text_completion'),
  created: z.int().describe('Unix seconds.'),
  model: z.string().describe('The id of the served model, whatever name the request used.'),
  system_fingerprint: z.string().describe('Changes with the model, the engine and the engine’s version.'),
};
const choice = {
  index: z.int().describe('Counts the choices of the first prompt, then of the next prompt.'),
  text: z.string(),
  logprobs: CompletionLogprobs.nullable(),
  ...promptReport,
  token_ids: tokenIds,
};

/** The answer of `POST /v1/completions`. */
export const Completion = z
  .object({
    ...envelope,
    choices: z.array(z.object({ ...choice, finish_reason: finishReason })),
    usage: CompletionUsage,
  })
  .meta({ id: 'Completion' });
export type Completion = z.infer<typeof Completion>;

/** One frame of a streamed answer. */
export const CompletionChunk = z
  .object({
    ...envelope,
    choices: z.array(z.object({ ...choice, finish_reason: finishReason.nullable() })),
    usage: CompletionUsage.nullable().optional(),
  })
  .meta({ id: 'CompletionChunk' });
export type CompletionChunk = z.infer<typeof CompletionChunk>;
