import * as engine from '@xim/engine';
import { describe, expect, it } from 'vitest';
import { statuses } from './error-table.ts';
import * as server from './errors.ts';
import { toOpenaiError } from './openai-error.ts';

const { InvalidInputError } = engine;

describe('an error on the wire', () => {
  it.each([
    [new InvalidInputError('Bad.'), 400, 'invalid_request_error', 'invalid_value'],
    [
      new InvalidInputError('Long.', { code: 'XIM_CONTEXT_LENGTH_EXCEEDED' }),
      400,
      'invalid_request_error',
      'context_length_exceeded',
    ],
    [
      new InvalidInputError('No.', { code: 'XIM_UNSUPPORTED_PARAMETER' }),
      400,
      'invalid_request_error',
      'unsupported_parameter',
    ],
    [new server.UnauthorizedError('Key.'), 401, 'invalid_request_error', 'invalid_api_key'],
    [new engine.ModelNotFoundError('x', ['y']), 404, 'invalid_request_error', 'model_not_found'],
    [new engine.OverloadedError('Full.', 7), 429, 'rate_limit_error', 'rate_limit_exceeded'],
    [new engine.EngineRequestError('secret'), 500, 'server_error', 'engine_request_failed'],
    [new engine.EngineDeadError('secret'), 503, 'server_error', 'engine_dead'],
    [new engine.EngineNotReadyError('Loading.'), 503, 'server_error', 'engine_not_ready'],
    [new engine.DeadlineError(), 504, 'server_error', 'deadline_exceeded'],
    [new Error('secret'), 500, 'server_error', 'internal_error'],
    [new engine.XimError('XIM_NEW', 'secret'), 500, 'server_error', 'internal_error'],
    [Object.assign(new Error('secret'), { statusCode: 503 }), 500, 'server_error', 'internal_error'],
    [Object.assign(new Error('Teapot.'), { statusCode: 418 }), 418, 'invalid_request_error', null],
    [Object.assign(new Error('secret'), { code: 'toString' }), 500, 'server_error', 'internal_error'],
    ['secret', 500, 'server_error', 'internal_error'],
    [undefined, 500, 'server_error', 'internal_error'],
  ] as const)('%s', (error, status, type, code) => {
    const answer = toOpenaiError(error);
    expect(answer).toMatchObject({ status, body: { error: { type, code, param: null } } });
    expect(answer.body.error.message).toMatch(/\S/);
    expect(JSON.stringify(answer)).not.toContain('secret');
  });

  it('tells when to come back, and when not to', () => {
    expect(toOpenaiError(new engine.OverloadedError('Full.', 7)).headers).toEqual({ 'retry-after': '7' });
    expect(toOpenaiError(new engine.EngineNotReadyError('Loading.')).headers).toEqual({ 'retry-after': '5' });
    expect(toOpenaiError(new engine.DeadlineError()).headers).toEqual({ 'x-should-retry': 'false' });
  });

  it.each([
    ['logitBias names the token x.', 'sampling.logitBias', 'logit_bias names the token x.'],
    ['minTokens is 3 and maxTokens 2.', 'minTokens', 'min_tokens is 3 and max_tokens 2.'],
    ['format.schema.items is a list.', 'format.schema.items', 'guided_json.items is a list.'],
    ['The format has "minTokens", not format.', 'format', 'The format has "minTokens", not format.'],
    ['format.schema.itemsOf is no place.', 'format.schema.items', 'format.schema.itemsOf is no place.'],
  ])('says %s in the words of the request', (said, param, expected) => {
    const names = {
      ...{ 'sampling.logitBias': 'logit_bias', minTokens: 'min_tokens', maxTokens: 'max_tokens' },
      'format.schema': 'guided_json',
    };
    expect(toOpenaiError(new InvalidInputError(said, { param }), names).body.error.message).toBe(expected);
  });

  it.each([
    ['prompt', 'messages'],
    ['prompt.messages.2.content', 'messages.2.content'],
    ['sampling.temperature', 'temperature'],
    ['sampling.other', 'sampling.other'],
    ['promptly', 'promptly'],
    ['prompt.tools.12.parameters.items.0', 'tools.12.function.parameters.items.0'],
    ['prompt.tools.x', 'messages.tools.x'],
    ['prompt.3.tokens.7', 'prompt.3.7'],
    [undefined, null],
  ])('names %s of the task as %s of the request', (param, expected) => {
    const names = {
      prompt: 'messages',
      'prompt.messages': 'messages',
      'prompt.tools.*': 'tools.*.function',
      'prompt.*.tokens': 'prompt.*',
      'sampling.temperature': 'temperature',
    };
    expect(toOpenaiError(new InvalidInputError('Bad.', { param }), names).body.error.param).toBe(expected);
  });

  it('has a row for every code that can reach a client', () => {
    const made = [
      ...Object.values(engine).flatMap((value) => (typeof value === 'function' ? [value.name] : [])),
      ...Object.keys(server),
    ].filter((name) => /^[A-Z].*Error$/.test(name));
    // XimError is only a base; the other two end a start and never an open request.
    const never = ['XimError', 'EngineStartError', 'ServiceStartError'];
    const codes = {
      CancelledError: 'XIM_CANCELLED',
      DeadlineError: 'XIM_DEADLINE',
      EngineDeadError: 'XIM_ENGINE_DEAD',
      EngineNotReadyError: 'XIM_ENGINE_NOT_READY',
      EngineRequestError: 'XIM_ENGINE_REQUEST',
      IncompleteError: 'XIM_INCOMPLETE',
      InvalidInputError: 'XIM_INVALID_INPUT',
      MalformedBodyError: 'XIM_MALFORMED_BODY',
      MethodNotAllowedError: 'XIM_METHOD_NOT_ALLOWED',
      ModelNotFoundError: 'XIM_MODEL_NOT_FOUND',
      OverloadedError: 'XIM_OVERLOADED',
      RouteNotFoundError: 'XIM_ROUTE_NOT_FOUND',
      StorageFullError: 'XIM_STORAGE_FULL',
      UnauthorizedError: 'XIM_UNAUTHORIZED',
      UnsupportedMediaTypeError: 'XIM_UNSUPPORTED_MEDIA_TYPE',
      UploadTimeoutError: 'XIM_UPLOAD_TIMEOUT',
      UploadTooLargeError: 'XIM_UPLOAD_TOO_LARGE',
    };
    expect(made.filter((name) => !never.includes(name)).sort()).toEqual(Object.keys(codes));
    for (const code of Object.values(codes)) expect(statuses).toHaveProperty(code);
  });
});
