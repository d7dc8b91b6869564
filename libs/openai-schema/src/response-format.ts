import { z } from 'zod';

const jsonSchema = z.record(z.string(), z.unknown());

/** The format of a text: OpenAI's three types, and types of other servers. */
export const ResponseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({
    type: z.literal('json_object'),
    schema: jsonSchema.nullish().describe('A JSON Schema, as clients of llama.cpp send it. Not in OpenAI’s API.'),
    value: jsonSchema.nullish().describe('A JSON Schema, as Hugging Face’s clients send it. Not in OpenAI’s API.'),
  }),
  z.object({ type: z.literal('json'), value: jsonSchema.describe('A JSON Schema. Not in OpenAI’s API.') }),
  z.object({
    type: z.literal('regex'),
    value: z.string().describe('A regular expression (ECMA-262). Not in OpenAI’s API.'),
  }),
  z.object({
    type: z.literal('grammar'),
    grammar: z
      .string()
      .min(1)
      .describe('A grammar in GBNF, or in the Lark dialect of llguidance. Not in OpenAI’s API.'),
  }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z
      .object({
        name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected 1 to 64 letters, digits, "_" or "-"'),
        description: z.string().nullish(),
        schema: jsonSchema.nullish(),
        strict: z.boolean().nullish(),
      })
      .nullish(),
    value: z
      .object({ name: z.string().nullish(), schema: jsonSchema })
      .nullish()
      .describe('As Hugging Face’s clients send it. Not in OpenAI’s API.'),
  }),
]);
export type ResponseFormat = z.infer<typeof ResponseFormat>;

interface FormatField {
  readonly response_format?: ResponseFormat | null | undefined;
}

/** Checks that a `json_schema` has a schema in one of its two members. */
export function checkResponseFormat({ response_format: format }: FormatField, context: z.RefinementCtx): void {
  const issue = (message: string, ...path: string[]) =>
    context.addIssue({ code: 'custom', path: ['response_format', ...path], message });
  if (format?.type === 'json_object' && format.schema && format.value)
    issue('expected one schema; value is another one', 'schema');
  if (format?.type !== 'json_schema') return;
  const { json_schema: named, value } = format;
  if (named && value) issue('expected one schema; json_schema is another one', 'value');
  else if (!named && !value) issue('expected an object with a name and a schema', 'json_schema');
  else if (named && named.schema == null)
    issue('expected a JSON Schema; send {"type": "json_object"} for JSON of any shape', ...['json_schema', 'schema']);
}
