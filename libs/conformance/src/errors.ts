/** What a server did is not what the API says. */
export class MismatchError extends Error {
  readonly expected: string;
  readonly found: string;

  constructor(expected: string, found: string) {
    super(`expected ${expected}; found ${found}`);
    this.expected = expected;
    this.found = found;
  }
}

/** A mismatch too, unless the check is one that a server may refuse openly: the answer was a well-formed error. */
export class RefusedError extends MismatchError {
  /** The error's `param`, where the API has one. */
  readonly param: string | undefined;
  readonly reason: string;

  constructor(expected: string, found: string, reason: string, param?: string) {
    super(expected, found);
    this.reason = reason;
    this.param = param;
  }

  names(parameter: string): boolean {
    if (this.param !== undefined) return this.param === parameter || this.param.startsWith(`${parameter}.`);
    return new RegExp(`(^|\\W)${parameter}(\\W|$)`).test(this.reason);
  }
}

/** What a check looks at does not exist on this server, and need not. */
export class SkippedError extends Error {}

/** Nothing answers at the base URL. */
export class UnreachableError extends Error {}

/** The program was called wrongly; the message says what to change. */
export class UsageError extends Error {}
