import {
  EngineRequestError,
  InvalidInputError,
  type InvalidInputCode,
  ModelNotFoundError,
  type XimError,
} from '@xim/engine';

const CALLERS_FAULT: readonly string[] = [
  'XIM_INVALID_INPUT',
  'XIM_CONTEXT_LENGTH_EXCEEDED',
  'XIM_UNSUPPORTED_PARAMETER',
] satisfies InvalidInputCode[];

/** The worker's `error` event as the error that the call fails with. */
export function toXimError(event: { readonly [member: string]: unknown }): XimError {
  const { code, message, param } = event;
  const text = typeof message === 'string' ? message : 'The worker gave no reason.';
  if (typeof code === 'string' && CALLERS_FAULT.includes(code)) {
    return new InvalidInputError(text, {
      code: code as InvalidInputCode,
      param: typeof param === 'string' ? param : undefined,
    });
  }
  if (code === 'XIM_MODEL_NOT_FOUND') return new ModelNotFoundError(text, []);
  return new EngineRequestError(text);
}
