import { z } from 'zod';

/** Names of functions: letters, digits, `_` and `-`, at most 64. */
const functionName = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected 1 to 64 letters, digits, "_" or "-"');

export const FunctionDefinition = z.object({
  name: functionName,
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish().describe('JSON Schema of the arguments.'),
  strict: z.boolean().nullish(),
});

export const Tool = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('function'), function: FunctionDefinition }),
    z.object({
      type: z.literal('custom'),
      custom: z.object({ name: z.string(), description: z.string().nullish(), format: z.unknown().optional() }),
    }),
  ])
  .meta({ id: 'Tool' });
export type Tool = z.infer<typeof Tool>;

export const ToolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.discriminatedUnion('type', [
    z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) }),
    z.object({ type: z.literal('custom'), custom: z.object({ name: z.string() }) }),
    z.object({
      type: z.literal('allowed_tools'),
      allowed_tools: z.object({
        mode: z.enum(['auto', 'required']),
        tools: z.array(z.record(z.string(), z.unknown())),
      }),
    }),
  ]),
]);
export type ToolChoice = z.infer<typeof ToolChoice>;

/** A call that the model made, in answers and in the turns that a client sends back. */
export const ToolCall = z
  .object({
    id: z.string(),
    type: z.literal('function'),
    function: z.object({
      name: z.string(),
      arguments: z.string().describe('JSON text as the model wrote it; not necessarily valid.'),
    }),
  })
  .meta({ id: 'ToolCall' });
export type ToolCall = z.infer<typeof ToolCall>;

export const CustomToolCall = z.object({
  id: z.string(),
  type: z.literal('custom'),
  custom: z.object({ name: z.string(), input: z.string() }),
});
