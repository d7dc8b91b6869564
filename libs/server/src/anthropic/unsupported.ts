import { refusal } from '../errors/errors.ts';
import type { CountTokensRequest, MessagesRequest } from './request-schema.ts';

const textOnly = 'This service reads and writes text: leave it out';

/** Throws InvalidInputError, by name, for the first thing in a request that no engine can be asked for. */
export function refuseUnsupported(request: MessagesRequest | CountTokensRequest): void {
  for (const param of ['container', 'context_management', 'mcp_servers'] as const) {
    const value = param in request ? (request as MessagesRequest)[param] : undefined;
    if (value != null && !(Array.isArray(value) && value.length === 0))
      throw refusal(param, `"${param}" is not supported by this service`, 'Leave it out');
  }
  if (request.thinking?.type === 'enabled')
    throw refusal(
      'thinking.budget_tokens',
      'A budget of tokens for thoughts is not supported by this service',
      'Send {"type": "adaptive"}, and output_config.effort where the model has levels',
    );
  for (const [i, { type }] of (request.tools ?? []).entries()) {
    if (type != null && type !== 'custom')
      throw refusal(`tools.${i}.type`, `A tool of type "${type}" is not supported by this service`, 'Describe it with an input_schema'); // prettier-ignore
  }
  for (const [i, { role, content }] of request.messages.entries()) {
    if (typeof content === 'string') continue;
    for (const [j, block] of content.entries()) {
      const place = `messages.${i}.content.${j}`;
      const known = ['text', ...(role === 'user' ? ['tool_result'] : ['tool_use', 'thinking'])];
      if (!known.includes(block.type))
        throw refusal(`${place}.type`, `A block of type "${block.type}" in a turn of the ${role} is not supported by this service`, textOnly); // prettier-ignore
      if (block.type !== 'tool_result' || typeof block.content === 'string') continue;
      const at = block.content?.findIndex(({ type }) => type !== 'text') ?? -1;
      if (at >= 0)
        throw refusal(`${place}.content.${at}.type`, `A result of type "${block.content![at]!.type}" is not supported by this service`, textOnly); // prettier-ignore
    }
  }
}
