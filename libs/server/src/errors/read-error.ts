import { InvalidInputError, OverloadedError, XimError } from '@xim/engine';
import { type StatusRow, statuses, unknownFailure } from './error-table.ts';

/** A thrown value as its row of the status table describes it, before an API's column gives it a shape. */
export interface ReadError {
  readonly row: StatusRow;
  readonly message: string;
  /** The field of the request that is wrong, by the request's own name. */
  readonly param: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** The answer of an API to a failure. */
export interface ErrorAnswer<B extends object = object> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The answer's body; in a stream, the JSON of its last frame. */
  readonly body: B;
}

/** Task → wire: the request's name for a path inside the task's input. */
export type ParamNames = Readonly<Record<string, string>>;

/**
 * Reads any thrown value. Words of the error are taken where its row in the status table has none of its own; of an
 * unknown error nothing is.
 *
 * @param paramNames The longest matching prefix counts: with `{ prompt: 'messages' }`, `prompt.2` is reported as
 *   `messages.2`. A `*` stands for a number in a list.
 */
export function readError(error: unknown, paramNames: ParamNames): ReadError {
  const row = rowOf(error);
  const words = row.say ?? (error instanceof Error ? error.message : unknownFailure.say!);
  const isInput = InvalidInputError.isInstance(error);
  const param = isInput ? toWireParam(error.param, paramNames) : null;
  const message = isInput ? toWireWords(words, { ...paramNames, ...(param && { [error.param!]: param }) }) : words;
  const retryAfter = OverloadedError.isInstance(error) ? error.retryAfter : row.retryAfter;
  const headers = { ...row.headers, ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }) };
  return { row, message, param, headers };
}

/** The row of an error's code; Fastify's other 4xx keep their status, all else is a 500 without words. */
function rowOf(error: unknown): StatusRow {
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown };
  const row = typeof code === 'string' && Object.hasOwn(statuses, code) ? statuses[code] : undefined;
  if (row) return row;
  if (XimError.isInstance(error) || typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499) {
    return unknownFailure;
  }
  return { status: statusCode, openai: { type: 'invalid_request_error', code: null }, tgi: { type: 'validation' } };
}

function toWireParam(param: string | undefined, names: ParamNames): string | null {
  if (param === undefined) return null;
  for (let end = param.length; end > 0; end = param.lastIndexOf('.', end - 1)) {
    const prefix = param.slice(0, end);
    const name = names[prefix] ?? toNumberedName(prefix, names);
    if (name !== undefined) return name + param.slice(end);
  }
  return param;
}

/** Names of the task in an engine's message → names of the request. Quoted words are the client's own and stay. */
function toWireWords(message: string, names: ParamNames): string {
  const words = new Map<string, string>();
  for (const [path, name] of Object.entries(names)) {
    const field = path.slice(path.lastIndexOf('.') + 1);
    // A field of one word, such as `format`, is plain English as well.
    if (/[a-z][A-Z]/.test(field)) words.set(field, name);
    if (path.includes('.')) words.set(path, name);
  }
  return message.replace(/(?<![\w.'"`])[a-z][\w.]*\w(?![\w'"`])/g, (word) => words.get(word) ?? word);
}

/** The name of a path through a list, where `*` stands for its numbers. */
function toNumberedName(path: string, names: ParamNames): string | undefined {
  const numbers = path.match(/(?<=\.)\d+(?=\.|$)/g) ?? [];
  const name = numbers.length > 0 ? names[path.replace(/(?<=\.)\d+(?=\.|$)/g, '*')] : undefined;
  return name?.replaceAll('*', () => numbers.shift() ?? '*');
}
