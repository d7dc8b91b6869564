import { z } from 'zod';

/** A generated token. The texts of all tokens, joined, are the generated text. */
export const Token = z
  .object({
    id: z.int().min(0),
    text: z.string(),
    logprob: z.number(),
    special: z.boolean().describe('Whether it stands for no text, such as the end of a turn.'),
  })
  .meta({ id: 'TgiToken' });
export type Token = z.infer<typeof Token>;

/** A token of the inputs; the first one’s probability is null, since nothing came before it. */
export const PrefillToken = z
  .object({ id: z.int().min(0), text: z.string(), logprob: z.number().nullable() })
  .meta({ id: 'TgiPrefillToken' });
export type PrefillToken = z.infer<typeof PrefillToken>;
