import { z } from 'zod';

const schema = z.record(z.string(), z.unknown());

/** A JSON Schema, as an object or as JSON text. */
const JsonValue = z.union([
  schema,
  z.string().transform((text, context) => {
    try {
      const parsed = schema.safeParse(JSON.parse(text));
      if (parsed.success) return parsed.data;
    } catch {
      // reported below
    }
    context.addIssue({ code: 'custom', message: 'expected a JSON Schema, or the JSON of one' });
    return z.NEVER;
  }),
]);

/** The format that the output must have. */
export const Grammar = z
  .discriminatedUnion('type', [
    z.object({
      type: z.literal('json'),
      value: JsonValue.meta({ description: 'A JSON Schema, as an object or as JSON text.' }),
    }),
    z.object({ type: z.literal('regex'), value: z.string().min(1) }),
    z.object({
      type: z.literal('json_schema'),
      value: z.object({ name: z.string().nullish(), schema: JsonValue }),
    }),
  ])
  .meta({ id: 'TgiGrammar' });
export type Grammar = z.infer<typeof Grammar>;
