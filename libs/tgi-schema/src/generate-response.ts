import { z } from 'zod';
import { PrefillToken, Token } from './tokens.ts';

export const FinishReason = z
  .enum(['length', 'eos_token', 'stop_sequence'])
  .describe('max_new_tokens were generated; the model ended; a text of stop was generated.');
export type FinishReason = z.infer<typeof FinishReason>;

const told = {
  finish_reason: FinishReason,
  generated_tokens: z.int().min(0),
  seed: z.int().min(0).nullable().describe('Null where nothing was sampled.'),
  prefill: z.array(PrefillToken).describe('Empty without decoder_input_details.'),
  tokens: z.array(Token),
  top_tokens: z.array(z.array(Token)).optional().describe('Per token the most probable ones, best first.'),
};

export const BestOfSequence = z.object({ generated_text: z.string(), ...told }).meta({ id: 'TgiBestOfSequence' });
export type BestOfSequence = z.infer<typeof BestOfSequence>;

export const Details = z
  .object({ ...told, best_of_sequences: z.array(BestOfSequence).optional().describe('Those that were not chosen.') })
  .meta({ id: 'TgiDetails' });
export type Details = z.infer<typeof Details>;

/** The answer of `POST /generate`; that of `POST /` is a list of one. */
export const GenerateResponse = z
  .object({ generated_text: z.string(), details: Details.optional() })
  .meta({ id: 'TgiGenerateResponse' });
export type GenerateResponse = z.infer<typeof GenerateResponse>;
