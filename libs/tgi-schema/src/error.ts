import { z } from 'zod';

/** The body of every error; in a stream, the last event. */
export const TgiErrorResponse = z
  .object({
    error: z.string(),
    error_type: z.string().describe('validation, generation, overloaded, incomplete_generation, and XIM’s own.'),
  })
  .meta({ id: 'TgiErrorResponse' });
export type TgiErrorResponse = z.infer<typeof TgiErrorResponse>;
