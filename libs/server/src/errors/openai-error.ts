import { type ErrorAnswer, type ParamNames, readError } from './read-error.ts';

export type OpenaiErrorAnswer = ErrorAnswer<{
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}>;

/** Any thrown value → what an OpenAI client gets. */
export function toOpenaiError(error: unknown, paramNames: ParamNames = {}): OpenaiErrorAnswer {
  const { row, message, param, headers } = readError(error, paramNames);
  const { type, code } = row.openai;
  return { status: row.status, headers, body: { error: { message, type, param, code } } };
}
