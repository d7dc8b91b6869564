/**
 * Every failure that crosses a package border is an `XimError`. Its `code` is stable and neutral (`XIM_…`): what a
 * client of a particular API sees is decided once, in the server's status table.
 *
 * `isInstance` looks for a mark instead of a prototype, so that it holds when two copies of this package are loaded.
 */
const mark = (name: string): symbol => Symbol.for(`xim.error.${name}`);

function marked(error: unknown, name: string): boolean {
  return typeof error === 'object' && error !== null && mark(name) in error;
}

export class XimError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    brand(this, 'XimError');
  }

  static isInstance(error: unknown): error is XimError {
    return marked(error, 'XimError');
  }
}

function brand(error: XimError, name: string): void {
  Object.defineProperty(error, mark(name), { value: true });
}

/** Why an input was refused. The worker may send any of these; the server maps them to the API's own codes. */
export type InvalidInputCode =
  /** A value is malformed, out of range or contradicts another. */
  | 'XIM_INVALID_INPUT'
  /** The prompt, or prompt plus requested output, does not fit the model's context or the cache of this service. */
  | 'XIM_CONTEXT_LENGTH_EXCEEDED'
  /** The parameter is known but this engine or model cannot honour it. */
  | 'XIM_UNSUPPORTED_PARAMETER';

/** The caller must change the call; repeating it is useless. */
export class InvalidInputError extends XimError {
  /** Path inside the task's input, such as `prompt` or `sampling.temperature`; the server renames it for the wire. */
  readonly param: string | undefined;

  constructor(
    message: string,
    options: { param?: string | undefined; code?: InvalidInputCode | undefined } & ErrorOptions = {},
  ) {
    super(options.code ?? 'XIM_INVALID_INPUT', message, options);
    this.param = options.param;
    brand(this, 'InvalidInputError');
  }

  static override isInstance(error: unknown): error is InvalidInputError {
    return marked(error, 'InvalidInputError');
  }
}

/** The call names a model that this service does not serve. */
export class ModelNotFoundError extends XimError {
  readonly model: string;

  constructor(model: string, served: readonly string[]) {
    super('XIM_MODEL_NOT_FOUND', `The model "${model}" is not served here. Served: ${served.join(', ')}.`);
    this.model = model;
    brand(this, 'ModelNotFoundError');
  }

  static override isInstance(error: unknown): error is ModelNotFoundError {
    return marked(error, 'ModelNotFoundError');
  }
}

/** No slot and no place in the queue. `retryAfter` is the advice for the client, in seconds. */
export class OverloadedError extends XimError {
  readonly retryAfter: number;

  constructor(message: string, retryAfter: number) {
    super('XIM_OVERLOADED', message);
    this.retryAfter = retryAfter;
    brand(this, 'OverloadedError');
  }

  static override isInstance(error: unknown): error is OverloadedError {
    return marked(error, 'OverloadedError');
  }
}

/** The call's deadline passed while it was queued or running. */
export class DeadlineError extends XimError {
  constructor(message = 'The deadline of this request passed before it was finished.') {
    super('XIM_DEADLINE', message);
    brand(this, 'DeadlineError');
  }

  static override isInstance(error: unknown): error is DeadlineError {
    return marked(error, 'DeadlineError');
  }
}

/** The caller's signal was aborted. No reader is left; the error ends the iteration and appears in the log. */
export class CancelledError extends XimError {
  constructor(message = 'The caller went away.') {
    super('XIM_CANCELLED', message);
    brand(this, 'CancelledError');
  }

  static override isInstance(error: unknown): error is CancelledError {
    return marked(error, 'CancelledError');
  }
}

/** There is no engine to take the call: it is loading, draining or being replaced. */
export class EngineNotReadyError extends XimError {
  constructor(message: string) {
    super('XIM_ENGINE_NOT_READY', message);
    brand(this, 'EngineNotReadyError');
  }

  static override isInstance(error: unknown): error is EngineNotReadyError {
    return marked(error, 'EngineNotReadyError');
  }
}

/** `start()` failed. `permanent` says that trying again on this host, with this model, is useless. */
export class EngineStartError extends XimError {
  readonly permanent: boolean;
  /** The last lines that the worker wrote to its log, oldest first. */
  readonly lastWords: readonly string[];

  constructor(message: string, options: { permanent: boolean; lastWords?: readonly string[] } & ErrorOptions) {
    super('XIM_ENGINE_START', message, options);
    this.permanent = options.permanent;
    this.lastWords = options.lastWords ?? [];
    brand(this, 'EngineStartError');
  }

  static override isInstance(error: unknown): error is EngineStartError {
    return marked(error, 'EngineStartError');
  }
}

/** This call failed inside the engine; the engine lives and other calls go on. */
export class EngineRequestError extends XimError {
  constructor(message: string, options?: ErrorOptions) {
    super('XIM_ENGINE_REQUEST', message, options);
    brand(this, 'EngineRequestError');
  }

  static override isInstance(error: unknown): error is EngineRequestError {
    return marked(error, 'EngineRequestError');
  }
}

/** The engine died while this call was open. */
export class EngineDeadError extends XimError {
  constructor(message: string, options?: ErrorOptions) {
    super('XIM_ENGINE_DEAD', message, options);
    brand(this, 'EngineDeadError');
  }

  static override isInstance(error: unknown): error is EngineDeadError {
    return marked(error, 'EngineDeadError');
  }
}

/** The error of a call whose `signal` was aborted: the signal's reason if that is an `XimError`, else `CancelledError`. */
export function toAbortError(signal: AbortSignal): XimError {
  return XimError.isInstance(signal.reason) ? signal.reason : new CancelledError();
}
