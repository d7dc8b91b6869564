import { z } from 'zod';
import { Grammar } from './grammar.ts';

const atLeastOne = z.int().min(1);
const aboveZero = z.number().positive();
/** A share of the probability, the whole included. */
const mass = z.number().positive().max(1);
const flag = z.boolean().nullish();

/**
 * How to continue a text. Unknown fields are dropped; null equals absence. What depends on the service (`best_of` and
 * `truncate` have an upper limit there) is the service's business.
 */
export const GenerateParameters = z
  .object({
    // How much.
    max_new_tokens: atLeastOne
      .nullish()
      .describe('Tokens to generate at most; without it as many as the context allows.'),
    stop: z.array(z.string().min(1)).max(4).nullish().describe('Texts that end the answer, which then ends with one.'),

    // How tokens are chosen.
    do_sample: flag.describe('Sample; without it, or temperature, top_k or top_p, the most probable token is taken.'),
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
      .describe('For sampling; a random one is drawn without it, and told in the details.'),
    repetition_penalty: aboveZero.nullish().describe('1 = none.'),
    frequency_penalty: z.number().min(-2).max(2).nullish().describe('0 = none.'),
    best_of: atLeastOne
      .nullish()
      .describe('Generate so many and answer with the most probable. Needs sampling, no seed and no stream.'),
    watermark: flag,
    grammar: Grammar.nullish(),

    // What is read.
    truncate: atLeastOne.nullish().describe('Read only so many tokens, the last ones, of the inputs.'),
    adapter_id: z.string().min(1).nullish(),

    // What is told.
    return_full_text: flag.describe('Begin the text with the inputs. On by default for POST /, off elsewhere.'),
    details: flag,
    decoder_input_details: flag.describe('The tokens of the inputs, in the details. Not with a stream.'),
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
