import { z } from 'zod';

/** A generated token. The texts of all tokens, joined, are the generated text. */
export const Token = z
  .object({
    id: z.int().min(0),
    text: z.string(),
    logprob: z.number(),
    special: z.boolean().describe('True for a token without text, such as the end of a turn.'),
  })
  .meta({ id: 'TgiToken' });
export type Token = z.infer<typeof Token>;

/** A token of the inputs. The probability of the first token is null, since no token is before it. */
export const PrefillToken = z
  .object({ id: z.int().min(0), text: z.string(), logprob: z.number().nullable() })
  .meta({ id: 'TgiPrefillToken' });
export type PrefillToken = z.infer<typeof PrefillToken>;
