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

const named = z.object({ function: z.object({ name: z.string() }) });
const toFunction = ({ function: chosen }: z.infer<typeof named>) => ({ type: 'function' as const, function: chosen });

/** OpenAI's choices. Hugging Face's clients also send only a function's name, or a choice without its `type`. */
export const ToolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  functionName.transform((name) => toFunction({ function: { name } })),
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
  named.extend({ type: z.null().optional() }).transform(toFunction),
]);
export type ToolChoice = z.infer<typeof ToolChoice>;

interface ToolFields {
  readonly tools?: readonly Tool[] | null | undefined;
  readonly tool_choice?: ToolChoice | null | undefined;
}

/** Checks that the tools have different names, and that each chosen tool exists. */
export function checkTools({ tools, tool_choice: choice }: ToolFields, context: z.RefinementCtx): void {
  const issue = (message: string, ...path: (string | number)[]) => context.addIssue({ code: 'custom', path, message });
  const names = (tools ?? []).map(nameOf);
  names.forEach((name, i) => {
    if (names.indexOf(name) < i) issue(`expected a name of its own; there is another tool "${name}"`, 'tools', i);
  });
  if (choice == null || choice === 'none' || choice === 'auto') return;
  if (names.length === 0) return issue('only allowed with tools', 'tool_choice');
  if (typeof choice === 'string') return;
  for (const { name, path } of chosenBy(choice)) {
    if (name === undefined) issue('expected {"type": "function", "function": {"name": …}}', 'tool_choice', ...path);
    else if (!names.includes(name)) issue(`there is no tool "${name}"`, 'tool_choice', ...path);
  }
}

const nameOf = (tool: Tool): string => (tool.type === 'function' ? tool.function.name : tool.custom.name);

interface ChosenTool {
  readonly name: string | undefined;
  /** The path inside `tool_choice`. */
  readonly path: readonly (string | number)[];
}

function chosenBy(choice: Exclude<ToolChoice, string>): ChosenTool[] {
  switch (choice.type) {
    case 'function':
      return [{ name: choice.function.name, path: ['function', 'name'] }];
    case 'custom':
      return [{ name: choice.custom.name, path: ['custom', 'name'] }];
    case 'allowed_tools':
      return choice.allowed_tools.tools.map((tool, i) => ({
        name: allowedToolName(tool),
        path: ['allowed_tools', 'tools', i],
      }));
  }
}

/** The name in an entry of `allowed_tools.tools`; undefined if the entry does not have the form of a tool. */
export function allowedToolName(entry: Readonly<Record<string, unknown>>): string | undefined {
  const { type } = entry;
  const named = type === 'function' || type === 'custom' ? (entry[type] as { name?: unknown } | undefined) : undefined;
  return typeof named?.name === 'string' ? named.name : undefined;
}

/** A call by the model, in answers and in the earlier turns that a client sends. */
export const ToolCall = z
  .object({
    id: z.string(),
    type: z.literal('function'),
    function: z.object({
      name: z.string(),
      arguments: z.string().describe('The model’s JSON text, which may be invalid.'),
    }),
  })
  .meta({ id: 'ToolCall' });
export type ToolCall = z.infer<typeof ToolCall>;

export const CustomToolCall = z.object({
  id: z.string(),
  type: z.literal('custom'),
  custom: z.object({ name: z.string(), input: z.string() }),
});
