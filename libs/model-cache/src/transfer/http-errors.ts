import { XimError } from '@xim/engine';
import { DownloadError } from '../errors.ts';

/** Statuses after which the same request may succeed a little later. */
const PASSING = [408, 416, 425, 429];
/** Statuses that ask for a login, of the server or of a proxy. */
const LOGIN = [401, 403, 407];

export function toStatusError(response: Response): DownloadError {
  const { status, statusText, headers } = response;
  return new DownloadError(`the server answered ${`${status} ${statusText}`.trim()}`, {
    transient: status >= 500 || PASSING.includes(status),
    unreachable: LOGIN.includes(status),
    retryAfter: toWait(headers),
    status,
    reason: headers.get('x-error-code') ?? undefined,
  });
}

/**
 * Milliseconds that a server asks to wait: `Retry-After` as seconds or a date (RFC 9110, 10.2.3), else the seconds
 * until the window of the hub's `RateLimit` starts anew (draft-ietf-httpapi-ratelimit-headers).
 */
function toWait(headers: Headers): number | undefined {
  const after = headers.get('retry-after');
  const seconds = Number(after ?? /(?:^|;)\s*t=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1] ?? NaN);
  if (Number.isFinite(seconds)) return seconds * 1000;
  const date = Date.parse(after ?? '');
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/**
 * The error to throw instead of one of `fetch`, or of reading the answer that had `begun`: those say little themselves,
 * the reason is in their cause. `idle` was aborted with an error of ours when nothing came for too long.
 */
export function toConnectionError(error: unknown, begun: boolean, idle?: AbortSignal): unknown {
  if (idle?.aborted) return idle.reason;
  if (XimError.isInstance(error) || !(error instanceof TypeError)) return error;
  const cause = innermost(error);
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const certificate = /CERT|SIGNATURE|SELF_SIGNED|ISSUER/.test(code);
  const what = begun ? 'the connection was cut' : 'no connection';
  return new DownloadError(`${what} (${[code, cause.message].filter((text) => text !== '').join(': ')})`, {
    transient: !certificate,
    unreachable: !begun,
    reason: code === '' ? undefined : code,
    cause: error,
  });
}

function innermost(error: Error): Error {
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  return inner instanceof Error ? innermost(inner) : error;
}
