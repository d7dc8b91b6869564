import { InvalidInputError, OverloadedError, XimError } from '@xim/engine';
import { type StatusRow, statuses, unknownFailure } from '../statuses.ts';

export interface OpenaiErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The answer's body; in a stream, the JSON of its last frame. */
  readonly body: {
    readonly error: {
      readonly message: string;
      readonly type: string;
      readonly param: string | null;
      readonly code: string | null;
    };
  };
}

/**
 * Any thrown value → what an OpenAI client gets. Words of the error are shown where its row in the status table has
 * none of its own; of an unknown error nothing is shown.
 *
 * @param paramNames task → wire: the request's name for a path inside the task's input. The longest matching prefix
 *   counts: with `{ prompt: 'messages' }`, `prompt.2` is reported as `messages.2`. A `*` stands for a number in a list.
 */
export function toOpenaiError(error: unknown, paramNames: Readonly<Record<string, string>> = {}): OpenaiErrorAnswer {
  const row = rowOf(error);
  const message = row.say ?? (error instanceof Error ? error.message : unknownFailure.say!);
  const param = InvalidInputError.isInstance(error) ? toWireParam(error.param, paramNames) : null;
  const retryAfter = OverloadedError.isInstance(error) ? error.retryAfter : row.retryAfter;
  return answer(row, message, param, retryAfter);
}

function answer(row: StatusRow, message: string, param: string | null, retryAfter?: number): OpenaiErrorAnswer {
  const { type, code } = row.openai;
  const headers = { ...row.headers, ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }) };
  return { status: row.status, headers, body: { error: { message, type, param, code } } };
}

/** The row of an error's code; Fastify's other 4xx keep their status, all else is a 500 without words. */
function rowOf(error: unknown): StatusRow {
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown };
  const row = typeof code === 'string' && Object.hasOwn(statuses, code) ? statuses[code] : undefined;
  if (row) return row;
  if (XimError.isInstance(error) || typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499) {
    return unknownFailure;
  }
  return { status: statusCode, openai: { type: 'invalid_request_error', code: null } };
}

function toWireParam(param: string | undefined, names: Readonly<Record<string, string>>): string | null {
  if (param === undefined) return null;
  for (let end = param.length; end > 0; end = param.lastIndexOf('.', end - 1)) {
    const prefix = param.slice(0, end);
    const name = names[prefix] ?? toNumberedName(prefix, names);
    if (name !== undefined) return name + param.slice(end);
  }
  return param;
}

/** The name of a path through a list, where `*` stands for its numbers. */
function toNumberedName(path: string, names: Readonly<Record<string, string>>): string | undefined {
  const numbers = path.match(/(?<=\.)\d+(?=\.|$)/g) ?? [];
  const name = numbers.length > 0 ? names[path.replace(/(?<=\.)\d+(?=\.|$)/g, '*')] : undefined;
  return name?.replaceAll('*', () => numbers.shift() ?? '*');
}
