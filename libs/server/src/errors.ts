import { XimError } from '@xim/engine';

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

/** The engine ended a call without its end event: what came of it is not the whole answer. */
export class IncompleteError extends XimError {
  constructor() {
    super('XIM_INCOMPLETE', 'The engine ended the call without its end event.');
  }
}
