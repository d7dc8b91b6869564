import { z } from 'zod';
import { CompletionUsage, promptReport, tokenIds } from './chat-response.ts';

/** Log probabilities of a choice's tokens, in parallel lists. */
export const CompletionLogprobs = z
  .object({
    tokens: z
      .array(z.string())
      .describe('A part of a character is written as "bytes:" and its bytes: bytes:\\xe6\\x9d.'),
    token_logprobs: z
      .array(z.number().max(0).nullable())
      .describe('Null for the first token of an echoed prompt, which nothing came before.'),
    top_logprobs: z
      .array(z.record(z.string(), z.number().max(0)).nullable())
      .describe('Token → log probability: the alternatives, and the token itself.'),
    text_offset: z.array(z.int()).describe('Where the token begins, in characters from the prompt’s beginning.'),
  })
  .meta({ id: 'CompletionLogprobs' });
export type CompletionLogprobs = z.infer<typeof CompletionLogprobs>;

const finishReason = z.enum(['stop', 'length', 'content_filter']);

const envelope = {
  id: z.string(),
  object: z.literal('text_completion'),
  created: z.int().describe('Unix seconds.'),
  model: z.string().describe('The model’s own id, whatever name the request used.'),
  system_fingerprint: z.string().describe('Changes when model, engine or its version do.'),
};
const choice = {
  index: z.int().describe('Runs over the prompts, and over the choices of each.'),
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
