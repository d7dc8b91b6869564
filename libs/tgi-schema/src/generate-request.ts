import { z } from 'zod';
import { Grammar } from './grammar.ts';

const atLeastOne = z.int().min(1);
const aboveZero = z.number().positive();
/** A share of the probability, above 0, up to and including 1. */
const mass = z.number().positive().max(1);
const flag = z.boolean().nullish();

/**
 * Parameters of text generation. Unknown fields are dropped; null means absent. The service checks the upper limits of
 * `best_of` and `truncate`, which depend on it.
 */
export const GenerateParameters = z
  .object({
    // The length.
    max_new_tokens: atLeastOne
      .nullish()
      .describe('The most tokens to generate. Default: as many as the context allows.'),
    stop: z
      .array(z.string().min(1))
      .max(4)
      .nullish()
      .describe('Texts that end the answer; the answer includes the stop text.'),

    // Sampling.
    do_sample: flag.describe(
      'Sample the tokens. Without do_sample, temperature, top_k and top_p, the most probable token is chosen.',
    ),
    temperature: aboveZero.nullish(),
    top_k: atLeastOne.nullish(),
    top_p: mass.nullish(),
    typical_p: mass.nullish(),
    seed: z
      .number()
      .min(0)
      .refine(Number.isInteger, 'expected an integer')
      .meta({ type: 'integer' })
      .nullish()
      .describe('The seed of sampling. Default: a random seed, which the details report.'),
    repetition_penalty: aboveZero.nullish().describe('1 turns it off.'),
    frequency_penalty: z.number().min(-2).max(2).nullish().describe('0 turns it off.'),
    best_of: atLeastOne
      .nullish()
      .describe('Texts to generate; the answer is the most probable text. Needs sampling, no seed and no stream.'),
    watermark: flag,
    grammar: Grammar.nullish(),

    // The prompt.
    truncate: atLeastOne.nullish().describe('Read only the last tokens of the inputs, up to this number.'),
    adapter_id: z.string().min(1).nullish(),

    // The answer.
    return_full_text: flag.describe(
      'Put the inputs before the text. Default true for POST /, false for the other routes.',
    ),
    details: flag,
    decoder_input_details: flag.describe('Report the tokens of the inputs in the details. Not for streams.'),
    top_n_tokens: z.int().min(0).max(5).nullish().describe('Alternatives per token to report.'),
  })
  .meta({ id: 'TgiGenerateParameters' });
export type GenerateParameters = z.infer<typeof GenerateParameters>;

/** The body of `POST /generate`, `/generate_stream` and `/tokenize`. */
export const GenerateRequest = z
  .object({ inputs: z.string().min(1), parameters: GenerateParameters.nullish() })
  .meta({ id: 'TgiGenerateRequest' });
export type GenerateRequest = z.infer<typeof GenerateRequest>;

/** The body of `POST /`. */
export const CompatGenerateRequest = GenerateRequest.extend({ stream: flag }).meta({ id: 'TgiCompatGenerateRequest' });
export type CompatGenerateRequest = z.infer<typeof CompatGenerateRequest>;
