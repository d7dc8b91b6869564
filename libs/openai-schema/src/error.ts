import { z } from 'zod';

/** The body of every error under /v1, and the last frame of a stream that failed. */
export const ErrorResponse = z
  .object({
    error: z.object({
      message: z.string().describe('The error, the expectation, and the solution.'),
      type: z.string(),
      param: z.string().nullable().describe('The wrong field, such as messages[0].content.'),
      code: z.string().nullable(),
    }),
  })
  .meta({ id: 'ErrorResponse' });
export type ErrorResponse = z.infer<typeof ErrorResponse>;
