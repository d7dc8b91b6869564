import { z } from 'zod';
import { FunctionDefinition } from '../chat-tools.ts';

/** Tools that OpenAI runs, and tools that are not functions. */
const otherTools = [
  ...(['file_search', 'computer', 'computer_use_preview', 'web_search', 'web_search_2025_08_26', 'mcp'] as const),
  ...(['code_interpreter', 'programmatic_tool_calling', 'image_generation', 'local_shell', 'shell'] as const),
  ...(['custom', 'namespace', 'tool_search', 'web_search_preview', 'web_search_preview_2025_03_11'] as const),
  'apply_patch' as const,
] as const;
const otherChoices = [
  ...(['file_search', 'web_search_preview', 'web_search_preview_2025_03_11', 'computer', 'computer_use'] as const),
  ...(['computer_use_preview', 'image_generation', 'code_interpreter', 'mcp', 'custom', 'shell'] as const),
  ...(['programmatic_tool_calling', 'apply_patch'] as const),
] as const;

/** A tool of `POST /v1/responses`. It has no `function` object around it, unlike the tools of chat completions. */
export const ResponseTool = z
  .discriminatedUnion('type', [
    FunctionDefinition.extend({ type: z.literal('function') }),
    z.object({ type: z.enum(otherTools) }),
  ])
  .meta({ id: 'ResponseTool' });
export type ResponseTool = z.infer<typeof ResponseTool>;

export const ResponseToolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.discriminatedUnion('type', [
    z.object({ type: z.literal('function'), name: z.string() }),
    z.object({
      type: z.literal('allowed_tools'),
      mode: z.enum(['auto', 'required']),
      tools: z.array(z.record(z.string(), z.unknown())),
    }),
    z.object({ type: z.enum(otherChoices) }),
  ]),
]);
export type ResponseToolChoice = z.infer<typeof ResponseToolChoice>;

interface ToolFields {
  readonly tools?: readonly ResponseTool[] | null | undefined;
  readonly tool_choice?: ResponseToolChoice | null | undefined;
}

/** Checks that the functions have different names, and that each chosen function exists. */
export function checkResponseTools({ tools, tool_choice: choice }: ToolFields, context: z.RefinementCtx): void {
  const issue = (message: string, ...path: (string | number)[]) => context.addIssue({ code: 'custom', path, message });
  const names = (tools ?? []).map((tool) => (tool.type === 'function' ? tool.name : undefined));
  names.forEach((name, i) => {
    if (name !== undefined && names.indexOf(name) < i)
      issue(`expected a name of its own; there is another tool "${name}"`, 'tools', i);
  });
  if (choice == null || choice === 'none' || choice === 'auto') return;
  if (names.length === 0) return issue('only allowed with tools', 'tool_choice');
  if (typeof choice === 'string') return;
  if (choice.type === 'function' && !names.includes(choice.name))
    issue(`there is no tool "${choice.name}"`, 'tool_choice', 'name');
  if (choice.type === 'allowed_tools')
    choice.tools.forEach(({ name }, i) => {
      if (typeof name !== 'string' || !names.includes(name))
        issue('expected {"type": "function", "name": …} of one of the tools', 'tool_choice', 'tools', i);
    });
}
