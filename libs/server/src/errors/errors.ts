import { InvalidInputError, XimError } from '@xim/engine';

/** The service cannot start as it is configured or on this host. The message is for the person who started it. */
export class ServiceStartError extends XimError {
  constructor(message: string, options?: ErrorOptions) {
    super('XIM_SERVICE_START', message, options);
  }
}

/** No key, or one that is not among the configured ones. */
export class UnauthorizedError extends XimError {
  constructor(message: string) {
    super('XIM_UNAUTHORIZED', message);
  }
}

export class RouteNotFoundError extends XimError {
  constructor(message: string) {
    super('XIM_ROUTE_NOT_FOUND', message);
  }
}

/** The path exists, with other methods. */
export class MethodNotAllowedError extends XimError {
  readonly allow: readonly string[];

  constructor(message: string, allow: readonly string[]) {
    super('XIM_METHOD_NOT_ALLOWED', message);
    this.allow = allow;
  }
}

/** The body is not what a JSON parser of this service takes. */
export class MalformedBodyError extends XimError {
  constructor(message: string) {
    super('XIM_MALFORMED_BODY', message);
  }
}

/** The body of an upload is no form that this service reads. */
export class UnsupportedMediaTypeError extends XimError {
  constructor(message: string) {
    super('XIM_UNSUPPORTED_MEDIA_TYPE', message);
  }
}

export class UploadTooLargeError extends XimError {
  constructor(limitBytes: number) {
    const advice = 'Send less, or raise XIM_UPLOAD_LIMIT_BYTES.';
    super(
      'XIM_UPLOAD_TOO_LARGE',
      `The upload is larger than the ${limitBytes} bytes that this service takes. ${advice}`,
    );
  }
}

/** The client sent its upload too slowly. */
export class UploadTimeoutError extends XimError {
  constructor(seconds: number) {
    const advice = 'Send it faster or smaller, or raise XIM_UPLOAD_TIMEOUT_SECONDS.';
    super('XIM_UPLOAD_TIMEOUT', `The upload was not complete after ${seconds} seconds. ${advice}`);
  }
}

/** The file system of XIM_TMP has no room for an upload. */
export class StorageFullError extends XimError {
  constructor(options?: ErrorOptions) {
    super('XIM_STORAGE_FULL', 'The file system of XIM_TMP is full.', options);
  }
}

/** The engine ended a call without its end event: what came of it is not the whole answer. */
export class IncompleteError extends XimError {
  constructor() {
    super('XIM_INCOMPLETE', 'The engine ended the call without its end event.');
  }
}

/** The error for a field or value of an API that this service knows and does not support. */
export function refusal(param: string, what: string, advice: string): InvalidInputError {
  return new InvalidInputError(`${what}. ${advice}.`, { param, code: 'XIM_UNSUPPORTED_PARAMETER' });
}
