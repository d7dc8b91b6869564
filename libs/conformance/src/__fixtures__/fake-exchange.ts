/* eslint-disable @typescript-eslint/no-explicit-any -- tests reach into answers to spoil them */

/** A request and its answer; a test may change the answer before it is sent. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly requestHeaders: Readonly<Record<string, unknown>>;
  /** The parsed body; undefined without a valid body. */
  readonly request: any;
  status: number;
  headers: Record<string, string>;
  /** Sent as JSON; a string is sent unchanged. */
  body: any;
  /** Sent as server-sent events instead of `body`: objects as JSON, strings as data, `raw` unchanged. */
  frames?: any[];
  /** Each frame has the name of its event, which is the `type` of the object. */
  named?: boolean;
  /** Breaks the connection instead of an answer. */
  broken?: boolean;
  /** Never answers. */
  silent?: boolean;
}

export type Tamper = (exchange: Exchange) => void;

/** An error that the routes of the fake server throw. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Record<string, string>;

  constructor(status: number, body: unknown, headers: Record<string, string> = {}) {
    super('refused');
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

export function refuse(message: string, param: string | null = null, status = 400, code: string | null = null): never {
  throw new Refusal(status, { error: { message, type: 'invalid_request_error', param, code } });
}

export function refuseTgi(error: string, error_type = 'validation', status = 422): never {
  throw new Refusal(status, { error, error_type });
}

/** Name, minimum and maximum of a parameter; null means absent. */
export type Range = readonly [name: string, least: number, most: number, whole?: boolean];

export function checkRanges(body: any, ranges: readonly Range[]): void {
  for (const [name, least, most, whole] of ranges) {
    const value = body[name] ?? undefined;
    if (value === undefined) continue;
    const fits = typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value));
    if (!fits) refuse(`${name}: expected a number from ${least} to ${most}`, name);
  }
}
