import { XimError } from '@xim/engine';
import { DownloadError } from './errors.ts';

/** Statuses after which the same request may succeed a little later. */
const PASSING = [408, 416, 425, 429];
/** Statuses that ask for a login, of the server or of a proxy. */
const LOGIN = [401, 403, 407];

export function toStatusError(response: Response): DownloadError {
  const { status, statusText, headers } = response;
  const seconds = Number(headers.get('retry-after') ?? NaN);
  return new DownloadError(`the server answered ${`${status} ${statusText}`.trim()}`, {
    transient: status >= 500 || PASSING.includes(status),
    unreachable: LOGIN.includes(status),
    retryAfter: Number.isFinite(seconds) ? seconds * 1000 : undefined,
  });
}

/** Errors of Node's `fetch` say little themselves; the reason is in their cause. */
export function toConnectionError(error: unknown, idle: AbortSignal): unknown {
  if (idle.aborted) return idle.reason;
  if (XimError.isInstance(error) || !(error instanceof TypeError)) return error;
  const cause = innermost(error);
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const certificate = /CERT|SIGNATURE|SELF_SIGNED|ISSUER/.test(code);
  const begun = error.message === 'terminated';
  const what = begun ? 'the connection was cut' : 'no connection';
  return new DownloadError(`${what} (${[code, cause.message].filter((text) => text !== '').join(': ')})`, {
    transient: !certificate,
    unreachable: !begun,
    cause: error,
  });
}

function innermost(error: Error): Error {
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  return inner instanceof Error ? innermost(inner) : error;
}
