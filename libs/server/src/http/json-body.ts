import { isUtf8 } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { MalformedBodyError } from '../errors/errors.ts';
import { countJson, type JsonStructure } from './json-structure.ts';
import { runInTurn } from './loop-turns.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route takes tokens: its bodies may hold a million numbers. */
    tokens?: boolean;
  }
}

const MAX_DEPTH = 100;
// Validation costs 1 to 2 µs for a part that is right and 10 µs for one that is wrong, in the thread of all requests.
const MAX_PARTS = 20_000;
const MAX_TOKENS = 1_048_576;
/** Bytes of a body beyond which each step of its reading has a turn of the event loop of its own. */
const LARGE = 65_536;

/**
 * The parser of JSON bodies. Refuses, beside text that no JSON parser takes, what harms the parts below: invalid UTF-8
 * and lone surrogates (tokenizers), nesting so deep that a recursive parser of the worker gives up, `__proto__`, and so
 * many parts that reading them would hold up all other requests.
 *
 * The steps of a large body (checks, decoding, parsing, validation, the route) each have a turn of the event loop. A step
 * of 4 MiB, the default limit of a body, takes at most about 40 ms.
 */
export const jsonBody = fp(
  async (app) => {
    const parseText = app.getDefaultJsonParser('error', 'error');
    const large = new WeakSet<FastifyRequest>();

    const parse = (request: FastifyRequest, text: string): unknown => {
      let outcome: { error: Error | null; value?: unknown } = { error: null };
      void parseText(request, text, (error, value) => (outcome = { error, value })); // calls back before it returns
      const { error, value } = outcome;
      if (error && (error as { code?: string }).code === 'FST_ERR_CTP_EMPTY_JSON_BODY') throw error;
      if (error) {
        const message = 'The body is not valid JSON, or has a key that is not allowed: __proto__, constructor.';
        throw new MalformedBodyError(message);
      }
      return value;
    };
    const readLarge = async (request: FastifyRequest, bytes: Buffer): Promise<unknown> => {
      large.add(request);
      await runInTurn(() => refuseExcess(request, bytes));
      const text = await runInTurn(() => bytes.toString('utf8'));
      const value = await runInTurn(() => parse(request, text));
      await runInTurn(() => refuseLoneSurrogate(text, value));
      return value;
    };

    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
      const bytes = body as Buffer;
      if (bytes.length > LARGE) {
        const validate = (value: unknown) => runInTurn(() => done(null, value));
        void readLarge(request, bytes).then(validate, (error: Error) => done(error, undefined));
        return;
      }
      try {
        refuseExcess(request, bytes);
        const text = bytes.toString('utf8');
        const value = parse(request, text);
        refuseLoneSurrogate(text, value);
        done(null, value);
      } catch (error) {
        done(error as Error, undefined);
      }
    });
    app.addHook('preHandler', (request, _reply, done) => {
      if (large.has(request)) void runInTurn(() => done());
      else done();
    });
  },
  { name: 'json-body' },
);

/** Refuses bytes that are no UTF-8, and a structure that is too much, before anything is built. */
function refuseExcess(request: FastifyRequest, bytes: Buffer): void {
  if (!isUtf8(bytes)) throw new MalformedBodyError('The body is not valid UTF-8.');
  const excess = findExcess(bytes, request.routeOptions.config?.tokens === true);
  if (excess !== undefined) throw new MalformedBodyError(excess);
}

function refuseLoneSurrogate(text: string, value: unknown): void {
  if (hasLoneSurrogate(text, value))
    throw new MalformedBodyError('The body has a \\u escape that is half a character.');
}

/** Says what of the body's structure is too much, before anything is built. */
function findExcess(bytes: Buffer, tokens: boolean): string | undefined {
  const most = tokens ? MAX_TOKENS : MAX_PARTS;
  const isTooMuch = ({ depth, parts, numbers }: JsonStructure): boolean =>
    depth > MAX_DEPTH || parts > MAX_PARTS || numbers > most;
  const found = countJson(bytes, isTooMuch);
  if (!isTooMuch(found)) return undefined;
  if (found.depth > MAX_DEPTH) return `The body is nested deeper than ${MAX_DEPTH} levels.`;
  const things = found.parts > MAX_PARTS ? `${MAX_PARTS} texts, names, arrays and objects` : `${most} numbers`;
  return `The body has more than ${things}. Send less in one request.`;
}

/** Valid UTF-8 has no surrogates, so only an escape can make one: the walk is needed only where the text has such an escape. */
function hasLoneSurrogate(text: string, value: unknown): boolean {
  return /\\u[dD][89a-fA-F]/.test(text) && isIllFormed(value);
}

function isIllFormed(value: unknown): boolean {
  if (typeof value === 'string') return /\p{Surrogate}/u.test(value);
  if (typeof value !== 'object' || value === null) return false;
  // A million numbers are passed over without a pair for each.
  if (Array.isArray(value)) return value.some(isIllFormed);
  return Object.entries(value).some(([key, item]) => isIllFormed(key) || isIllFormed(item));
}
