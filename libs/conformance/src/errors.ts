import { type Kind, toRefusalKind } from './kinds.ts';

/** The behaviour of the server differs from the API. */
export class MismatchError extends Error {
  readonly expected: string;
  readonly found: string;
  /** Undefined for a fault that only this check finds. */
  readonly kind: Kind | undefined;

  constructor(expected: string, found: string, kind?: Kind) {
    super(`expected ${expected}; found ${found}`);
    this.expected = expected;
    this.found = found;
    this.kind = kind;
  }
}

/** The server accepts a request that it must refuse. */
export class AcceptedError extends MismatchError {}

/** The answer is a well-formed error. It is a mismatch, unless the check allows the server to refuse. */
export class RefusedError extends MismatchError {
  /** The error's `param`; undefined for an API without it. */
  readonly param: string | undefined;
  readonly reason: string;

  constructor(expected: string, found: string, reason: string, param?: string) {
    super(expected, found, toRefusalKind(param));
    this.reason = reason;
    this.param = param;
  }

  names(parameter: string): boolean {
    if (this.param !== undefined) return this.param === parameter || this.param.startsWith(`${parameter}.`);
    return new RegExp(`(^|\\W)${parameter}(\\W|$)`).test(this.reason);
  }
}

/** The subject of the check does not exist on this server, which is allowed. */
export class SkippedError extends Error {}

/** No server answers at the base URL. */
export class UnreachableError extends Error {}

/** The command line is wrong; the message says how to correct it. */
export class UsageError extends Error {}
