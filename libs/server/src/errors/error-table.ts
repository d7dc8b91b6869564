/** The APIs that a route may belong to: a column each of the table below, but Anthropic's, whose types follow the status. */
export type Api = 'openai' | 'tgi' | 'anthropic';

/** The status and shape of an error for the clients of each API. Another API is another column. */
export interface StatusRow {
  readonly status: number;
  readonly openai: { readonly type: string; readonly code: string | null };
  /** Text Generation Inference; its status where it differs. */
  readonly tgi: { readonly type: string; readonly status?: number };
  /** Said instead of the error's own words, which may tell internals. */
  readonly say?: string;
  /** Seconds after which trying again makes sense, where the error does not know better. */
  readonly retryAfter?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const invalid = (code: string | null) => ({ type: 'invalid_request_error', code });
const failed = (code: string) => ({ type: 'server_error', code });
const validation = { type: 'validation', status: 422 };
const incomplete = { type: 'incomplete_generation' };

export const unknownFailure: StatusRow = {
  status: 500,
  openai: failed('internal_error'),
  tgi: { type: 'internal' },
  say: 'The service failed on this request. The request id finds the reason in its log.',
};

/** The one table from an error's code to its status. */
export const statuses: Readonly<Record<string, StatusRow>> = {
  XIM_INVALID_INPUT: { status: 400, openai: invalid('invalid_value'), tgi: validation },
  XIM_CONTEXT_LENGTH_EXCEEDED: { status: 400, openai: invalid('context_length_exceeded'), tgi: validation },
  XIM_UNSUPPORTED_PARAMETER: { status: 400, openai: invalid('unsupported_parameter'), tgi: validation },
  XIM_MALFORMED_BODY: { status: 400, openai: invalid('malformed_body'), tgi: validation },
  XIM_UNAUTHORIZED: {
    status: 401,
    openai: invalid('invalid_api_key'),
    tgi: { type: 'unauthorized' },
    headers: { 'www-authenticate': 'Bearer' },
  },
  XIM_MODEL_NOT_FOUND: { status: 404, openai: invalid('model_not_found'), tgi: { type: 'model_not_found' } },
  XIM_ROUTE_NOT_FOUND: { status: 404, openai: invalid('unknown_url'), tgi: { type: 'not_found' } },
  XIM_METHOD_NOT_ALLOWED: { status: 405, openai: invalid('method_not_supported'), tgi: { type: 'method_not_allowed' } },
  // The official SDKs retry a 408: a client that was too slow once will be so again.
  XIM_UPLOAD_TIMEOUT: {
    status: 408,
    openai: invalid('upload_timeout'),
    tgi: { type: 'validation' },
    headers: { 'x-should-retry': 'false' },
  },
  XIM_UPLOAD_TOO_LARGE: { status: 413, openai: invalid('request_too_large'), tgi: { type: 'validation' } },
  XIM_UNSUPPORTED_MEDIA_TYPE: { status: 415, openai: invalid('unsupported_media_type'), tgi: { type: 'validation' } },
  XIM_STORAGE_FULL: {
    status: 507,
    openai: failed('insufficient_storage'),
    tgi: { type: 'internal' },
    say: 'The service has no room on its disk for this upload. Send it again later; its operator frees space in XIM_TMP.',
  },
  XIM_OVERLOADED: {
    status: 429,
    openai: { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
    tgi: { type: 'overloaded' },
  },
  // No client reads it; nginx logs this number for a client that disconnected.
  XIM_CANCELLED: { status: 499, openai: invalid('client_closed_request'), tgi: { type: 'cancelled' } },
  // The official SDKs retry every 5xx: a request that took its whole time once will do so again.
  XIM_DEADLINE: {
    status: 504,
    openai: failed('deadline_exceeded'),
    tgi: { type: 'timeout' },
    headers: { 'x-should-retry': 'false' },
  },
  XIM_ENGINE_NOT_READY: { status: 503, openai: failed('engine_not_ready'), tgi: { type: 'unhealthy' }, retryAfter: 5 },
  XIM_ENGINE_REQUEST: {
    status: 500,
    openai: failed('engine_request_failed'),
    tgi: { type: 'generation', status: 424 },
    say: 'The engine failed on this request. The request id finds the reason in the log.',
  },
  XIM_INCOMPLETE: {
    status: 500,
    openai: failed('engine_request_failed'),
    tgi: incomplete,
    say: 'The engine ended this request before its answer was whole. The request id finds the reason in the log.',
  },
  XIM_ENGINE_DEAD: {
    status: 503,
    openai: failed('engine_dead'),
    tgi: incomplete,
    say: 'The engine stopped while it worked on this request; it is being replaced. Send the request again.',
    retryAfter: 5,
  },

  // Errors that Fastify finds before a route sees the request.
  FST_ERR_CTP_BODY_TOO_LARGE: {
    status: 413,
    openai: invalid('request_too_large'),
    tgi: { type: 'validation' },
    say: 'The body is larger than this service takes. Send less, or raise XIM_BODY_LIMIT_BYTES.',
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    openai: invalid('unsupported_media_type'),
    tgi: { type: 'validation' },
    say: 'The body has a media type that this path does not take. Send JSON with "Content-Type: application/json".',
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: {
    status: 400,
    openai: invalid('malformed_body'),
    tgi: validation,
    say: 'The body is empty; a JSON object was expected.',
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    status: 400,
    openai: invalid('malformed_body'),
    tgi: validation,
    say: 'The body is not as long as Content-Length says.',
  },
  FST_ERR_BAD_URL: {
    status: 400,
    openai: invalid('malformed_url'),
    tgi: { type: 'validation' },
    say: 'The path of the URL cannot be decoded.',
  },
};
