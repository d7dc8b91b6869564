import type { MessageError } from '../anthropic/answer-schema.ts';
import { type ErrorAnswer, type ParamNames, readError } from './read-error.ts';

/** By status (https://docs.anthropic.com/en/api/errors). */
const types: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

/** Any thrown value → what a client of Anthropic's API gets. That API has no field for the name of what is wrong. */
export function toAnthropicError(error: unknown, paramNames: ParamNames = {}): ErrorAnswer<MessageError> {
  const { row, message, param, headers } = readError(error, paramNames);
  const type = types[row.status] ?? (row.status < 500 ? 'invalid_request_error' : 'api_error');
  const words = param === null || message.includes(`"${param}"`) ? message : `${param}: ${message}`;
  return { status: row.status, headers, body: { type: 'error', error: { type, message: words } } };
}
