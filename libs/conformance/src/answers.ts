import { z } from 'zod';
import type { Answer, Call } from './client.ts';
import type { Context } from './check.ts';
import { AcceptedError, MismatchError, RefusedError } from './errors.ts';
import { cut, expectShape, expectThat } from './expectations.ts';
import { type Kind, toAcceptedKind, toRefusalKind, toStatusKind } from './kinds.ts';

/** OpenAI's error object: four keys, two of which may be null. */
const OpenAiError = z.looseObject({
  error: z.looseObject({
    message: z.string().min(1),
    type: z.string().min(1),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
});

/** What names the parameter in an error whose other fields may be wrong. */
const Named = z.looseObject({ error: z.looseObject({ param: z.string().min(1) }) });

/** Text Generation Inference's error object. */
const TgiError = z.looseObject({ error: z.string().min(1), error_type: z.string().min(1) });

const errorKind = (fault: string, sentence: string): Kind => ({ name: `error:${fault}`, sentence });

/** Internals that an error must not show: stack traces of Python and JavaScript. */
const INTERNALS = /Traceback \(most recent call last\)|\n\s+at .+:\d+:\d+|File "[^"]+", line \d+/;

const shown = ({ status, text }: Answer): string => cut(`${status} ${text}`);

/** The JSON of an answer with any status. Throws a MismatchError for a body that is not JSON. */
export function toJson(answer: Answer): unknown {
  try {
    return JSON.parse(answer.text);
  } catch {
    throw new MismatchError('a body of JSON', shown(answer), { name: 'body:json', sentence: 'a body is not JSON' });
  }
}

/** Throws a RefusedError for a well-formed error of either API, and a MismatchError for another status than 200. */
export function expectSuccess(answer: Answer): void {
  if (answer.status === 200) return;
  const found = shown(answer);
  const body = answer.text.startsWith('{') ? toJson(answer) : undefined;
  const openAi = OpenAiError.safeParse(body);
  if (answer.status === 400 && openAi.success) {
    const { message, param } = openAi.data.error;
    throw new RefusedError('status 200', found, message, param ?? undefined);
  }
  const tgi = TgiError.safeParse(body);
  if (answer.status === 422 && tgi.success) throw new RefusedError('status 200', found, tgi.data.error);
  const named = answer.status === 400 ? Named.safeParse(body).data : undefined;
  throw new MismatchError('status 200', found, named ? toRefusalKind(named.error.param) : toStatusKind(200, answer.status)); // prettier-ignore
}

/** Sends a request and returns the JSON of a success. */
export async function fetchJson(context: Context, call: Call): Promise<unknown> {
  const answer = await context.send(call);
  expectSuccess(answer);
  return toJson(answer);
}

function expectNoInternals({ text }: Answer): void {
  const kind = errorKind('internals', 'an error shows a stack trace');
  expectThat(!INTERNALS.test(text), 'an error without internals', text, kind);
}

export interface WantedError {
  readonly status: number;
  readonly code?: string;
  /** The parameter that the error names, in `param` or in `message`. */
  readonly param?: string;
  /** What is wrong with the request, such as "an unknown role is refused". Default: the title of the check. */
  readonly title?: string;
}

/** Throws a MismatchError for another status. `title`: see WantedError. */
export function expectStatus(answer: Answer, status: number, title?: string): void {
  if (answer.status === 200 && status !== 200)
    throw new AcceptedError(`status ${status}`, shown(answer), title === undefined ? undefined : toAcceptedKind(title));
  if (answer.status !== status)
    throw new MismatchError(`status ${status}`, shown(answer), toStatusKind(status, answer.status));
}

/** Expects an error in OpenAI's error object. */
export function expectError(answer: Answer, { status, code, param, title }: WantedError): void {
  expectStatus(answer, status, title);
  expectThat(
    answer.headers['content-type']?.startsWith('application/json'),
    'an error of type application/json',
    answer.headers['content-type'],
    errorKind('content-type', 'an error is not of type application/json'),
  );
  expectNoInternals(answer);
  const { error } = expectShape(OpenAiError, toJson(answer), 'the error');
  if (code !== undefined) expectThat(error.code === code, `the error's code to be ${code}`, error, errorKind(`code-${code}`, `error.code is not ${code}`)); // prettier-ignore
  if (param !== undefined)
    expectThat(
      error.param?.includes(param) || error.message.includes(param),
      `an error that names ${param}`,
      error,
      errorKind('param', 'an error does not name the parameter'),
    );
}

/** Expects an error in TGI's error object. */
export function expectTgiError(answer: Answer, status: number, type: string): void {
  expectStatus(answer, status);
  expectNoInternals(answer);
  const body = expectShape(TgiError, toJson(answer), 'the error');
  expectThat(body.error_type === type, `error_type to be "${type}"`, body);
}
