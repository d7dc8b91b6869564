import { isUtf8 } from 'node:buffer';
import fp from 'fastify-plugin';
import { MalformedBodyError } from '../errors/errors.ts';
import { countJson, type JsonStructure } from './json-structure.ts';

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
/** Bytes of a body beyond which others have a turn between its parsing and its validation. */
const LARGE = 65_536;

/**
 * The parser of JSON bodies. Refuses, beside what no JSON parser takes, what harms those further down: invalid UTF-8
 * and lone surrogates (tokenizers), nesting so deep that a recursive parser of the worker gives up, `__proto__`, and so
 * many parts that reading them would hold up all other requests.
 */
export const jsonBody = fp(
  async (app) => {
    const parse = app.getDefaultJsonParser('error', 'error');
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
      const refuse = (message: string): void => done(new MalformedBodyError(message), undefined);
      const bytes = body as Buffer;
      if (!isUtf8(bytes)) return refuse('The body is not valid UTF-8.');
      const excess = findExcess(bytes, request.routeOptions.config?.tokens === true);
      if (excess !== undefined) return refuse(excess);
      const text = bytes.toString('utf8');
      let outcome: { error: Error | null; value?: unknown } = { error: null };
      void parse(request, text, (error, value) => (outcome = { error, value })); // calls back before it returns
      const { error, value } = outcome;
      if (error && (error as { code?: string }).code === 'FST_ERR_CTP_EMPTY_JSON_BODY') return done(error, undefined);
      if (error) return refuse('The body is not valid JSON, or has a key that is not allowed: __proto__, constructor.');
      if (hasLoneSurrogate(text, value)) return refuse('The body has a \\u escape that is half a character.');
      if (bytes.length <= LARGE) done(null, value);
      else setImmediate(done, null, value);
    });
  },
  { name: 'json-body' },
);

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
  return Object.entries(value).some(([key, item]) => isIllFormed(key) || isIllFormed(item));
}
