import { z } from 'zod';

/** The body of every answer under /v1 that is not a success, and the last frame of a stream that failed. */
export const ErrorResponse = z
  .object({
    error: z.object({
      message: z.string().describe('What was wrong, what was expected, what to do.'),
      type: z.string(),
      param: z.string().nullable().describe('The field at fault, such as messages[0].content.'),
      code: z.string().nullable(),
    }),
  })
  .meta({ id: 'ErrorResponse' });
export type ErrorResponse = z.infer<typeof ErrorResponse>;
