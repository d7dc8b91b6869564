import { XimError } from '@xim/engine';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Socket } from 'node:net';
import { nearPath } from '../http/near-path.ts';
import { toRequestId } from '../http/request-id.ts';
import { toAnthropicError } from './anthropic-error.ts';
import type { Api } from './error-table.ts';
import { MethodNotAllowedError, RouteNotFoundError } from './errors.ts';
import { toOpenaiError } from './openai-error.ts';
import type { ErrorAnswer, ParamNames } from './read-error.ts';
import { toTgiError } from './tgi-error.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The request's names for paths of the task's input, for the `param` of errors: `{ prompt: 'messages' }`. */
    paramNames?: ParamNames;
    /** Whose shape the route's errors have. Default `openai`. */
    api?: Api;
    /** The same by the body as it came, for a path that clients of several APIs use. */
    ofBody?: (body: unknown) => { readonly api?: Api; readonly paramNames?: ParamNames };
  }
}

const shapes: Readonly<Record<Api, (error: unknown, paramNames?: ParamNames) => ErrorAnswer>> = {
  openai: toOpenaiError,
  tgi: toTgiError,
  anthropic: toAnthropicError,
};

/** The methods of a path, and the API whose shape their errors have. */
interface Path {
  readonly methods: Set<string>;
  readonly api: Api;
}

/**
 * Every failure outside a stream becomes an answer in the shape of its route's API; unknown paths are 404, known ones with another
 * method 405. Register it before the routes: it learns the paths from them.
 */
export const errorAnswers = fp<{ isDraining(): boolean }>(
  async (app, { isDraining }) => {
    const paths = new Map<string, Path>();
    app.addHook('onRoute', ({ url, method, config }) => {
      if (url === '*') return; // CORS: every path's preflight
      const known = paths.get(url) ?? { methods: new Set<string>(), api: config?.api ?? 'openai' };
      for (const one of [method].flat()) known.methods.add(one);
      paths.set(url, known);
    });

    app.setErrorHandler((error: FastifyError, request, reply) => answerError(error, request, reply));
    // A client that comes during the shutdown should go to another replica.
    app.addHook('onRequest', (_request, reply, done) => {
      if (isDraining()) reply.raw.setHeader('connection', 'close');
      done();
    });
    const answerNotFound = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
      const path = request.url.split('?')[0]!.replace(/(?<=.)\/$/, '');
      const pattern = [...paths.keys()].find((candidate) => matches(candidate, path));
      if (pattern !== undefined)
        return answerError(toNotAllowed(request, pattern, paths), request, reply, paths.get(pattern)!.api);
      const near = nearPath(
        path,
        [...paths.keys()].filter((one) => !/[:*]/.test(one)),
      );
      const api = paths.get(near ?? '')?.api;
      return answerError(toNotFound(request, path, near, paths), request, reply, api);
    };
    app.setNotFoundHandler(answerNotFound);
    // Before a body is parsed: an unknown path is a 404 whatever was sent to it.
    app.addHook('preParsing', (request, reply, payload, done) => {
      if (request.is404) void answerNotFound(request, reply);
      else done(null, payload);
    });
  },
  { name: 'error-answers' },
);

/** Answers with an error, in the shape of the route's API. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, api?: Api): FastifyReply {
  const { ofBody, ...config } = request.routeOptions?.config ?? {};
  const own = { ...config, ...ofBody?.(request.body) };
  const { status, headers, body } = shapes[api ?? own.api ?? 'openai'](error, own.paramNames);
  if (request.stats) request.stats.error = codeOf(error);
  if (status >= 500 && !XimError.isInstance(error)) logBug(error, request);
  if (error instanceof MethodNotAllowedError) void reply.header('allow', error.allow.join(', '));
  return reply.code(status).headers(headers).send(body);
}

/** Fastify's `frameworkErrors`: for URLs that cannot be read. No hook sees them, so their id and log line come from here. */
export function answerFrameworkError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  reply.raw.setHeader('x-request-id', request.id);
  void answerError(error, request, reply);
  const { method } = request;
  request.log.info({ method, route: 'unknown', status: reply.statusCode, error: codeOf(error) }, 'request');
}

/** The access log has the code of every failure; of a bug it takes more. Its words may quote a client: never at `info`. */
function logBug(error: unknown, request: FastifyRequest): void {
  const { name, stack, message } = error instanceof Error ? error : new Error(String(error));
  const frames = stack?.split('\n').filter((line) => line.startsWith('    at '));
  request.log.error({ name, frames }, 'a route failed');
  request.log.debug({ message }, 'the words of that failure');
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'XIM_UNKNOWN';
}

function toNotAllowed({ method }: FastifyRequest, pattern: string, paths: ReadonlyMap<string, Path>): XimError {
  const allow = [...paths.get(pattern)!.methods].sort();
  const message = `${method} is not a method of ${pattern}. It takes ${allow.join(', ')}.`;
  return new MethodNotAllowedError(message, allow);
}

function toNotFound(
  { method }: FastifyRequest,
  path: string,
  near: string | undefined,
  paths: ReadonlyMap<string, Path>,
): XimError {
  const hint = /^\/v1\/responses\/./.test(path)
    ? ' Responses are not kept, so none can be read again: send all of a conversation to POST /v1/responses.'
    : near === undefined
      ? ''
      : ` Use ${[...paths.get(near)!.methods].filter((one) => one !== 'HEAD').join(' or ')} ${near}${toBaseAdvice(near)}.`;
  return new RouteNotFoundError(`There is no ${method} path of this name here.${hint} See /docs for those there are.`);
}

/** Most near misses come of a client's base URL. */
function toBaseAdvice(near: string): string {
  return near.startsWith('/v1/') ? '; the base URL of a client of OpenAI’s API ends in /v1, once' : '';
}

/** A path against a route's pattern, in which `:name` stands for one part and `*` at the end for any number. */
function matches(pattern: string, path: string): boolean {
  if (pattern.endsWith('/*')) return path.startsWith(pattern.slice(0, -1));
  const [want, have] = [pattern.split('/'), path.split('/')];
  return want.length === have.length && want.every((part, i) => part.startsWith(':') || part === have[i]);
}

/** Answers a connection whose bytes are not HTTP; Fastify's `clientErrorHandler`. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, message] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', 'The headers are too large.']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'The request did not arrive in time.']
        : ['400 Bad Request', 'This is not an HTTP request that can be read.'];
  const body = JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code: null } });
  const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
  const id = `x-request-id: ${toRequestId({ headers: {} })}`;
  socket.end(`${head}\r\n${id}\r\n\r\n${body}`, () => socket.destroy());
}
