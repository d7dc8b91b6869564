import { ErrorResponse } from '@xim/openai-schema';
import { TgiErrorResponse } from '@xim/tgi-schema';
import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { toInvalidInput } from '../errors/invalid-input.ts';

/**
 * Makes the routes of this instance read bodies with their Zod schema and fail with InvalidInputError. Schemas of
 * answers are for the documentation: what a route sends is typed and tested, and not parsed once more per request.
 */
export function useZodSchemas(app: FastifyInstance): void {
  app.setValidatorCompiler<z.ZodType>(({ schema }) => (value: unknown) => {
    const parsed = schema.safeParse(value);
    return parsed.success ? { value: parsed.data } : { error: toInvalidInput(parsed.error) };
  });
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
}

/** The documentation of every answer that is not a success. */
export const failures = {
  default: {
    description: 'The error. The types and codes are OpenAI’s.',
    content: { 'application/json': { schema: ErrorResponse } },
  },
};

/** The same on the routes of Text Generation Inference. */
export const tgiFailures = {
  default: {
    description: 'The error. The types are Text Generation Inference’s.',
    content: { 'application/json': { schema: TgiErrorResponse } },
  },
};
