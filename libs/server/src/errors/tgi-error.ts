import type { TgiErrorResponse } from '@xim/tgi-schema';
import { type ErrorAnswer, type ParamNames, readError } from './read-error.ts';

/** Any thrown value → what a client of Text Generation Inference gets: its words begin as that server's do. */
export function toTgiError(error: unknown, paramNames: ParamNames = {}): ErrorAnswer<TgiErrorResponse> {
  const { row, message, param, headers } = readError(error, paramNames);
  const { type, status = row.status } = row.tgi;
  const words = type === 'validation' ? toValidation(error, message, param) : message;
  return { status, headers, body: { error: words, error_type: type } };
}

function toValidation(error: unknown, message: string, param: string | null): string {
  // Clients recognise a prompt that is too long by these words; texts of a list have no output beside them.
  const isText = /^(inputs|texts|query)\b/.test(param ?? '') && param !== 'inputs';
  if (!isText && (error as { code?: unknown }).code === 'XIM_CONTEXT_LENGTH_EXCEEDED') {
    return `Input validation error: \`inputs\` tokens + \`max_new_tokens\` must be <= the context. ${message}`;
  }
  // The message of the schema names its field already.
  const named = param === null || message.includes(`"${param}"`);
  return `Input validation error: ${named ? '' : `\`${param}\`: `}${message}`;
}
