import { isUtf8 } from 'node:buffer';
import fp from 'fastify-plugin';
import { MalformedBodyError } from '../errors/errors.ts';

const MAX_DEPTH = 100;

/**
 * The parser of JSON bodies. Refuses, beside what no JSON parser takes, what harms those further down: invalid UTF-8
 * and lone surrogates (tokenizers), nesting so deep that a recursive parser of the worker gives up, `__proto__`.
 */
export const jsonBody = fp(
  async (app) => {
    const parse = app.getDefaultJsonParser('error', 'error');
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
      const refuse = (message: string): void => done(new MalformedBodyError(message), undefined);
      const bytes = body as Buffer;
      if (!isUtf8(bytes)) return refuse('The body is not valid UTF-8.');
      if (isDeeperThan(bytes, MAX_DEPTH)) return refuse(`The body is nested deeper than ${MAX_DEPTH} levels.`);
      const text = bytes.toString('utf8');
      let outcome: { error: Error | null; value?: unknown } = { error: null };
      void parse(request, text, (error, value) => (outcome = { error, value })); // calls back before it returns
      const { error, value } = outcome;
      if (error && (error as { code?: string }).code === 'FST_ERR_CTP_EMPTY_JSON_BODY') return done(error, undefined);
      if (error) return refuse('The body is not valid JSON, or has a key that is not allowed: __proto__, constructor.');
      if (hasLoneSurrogate(text, value)) return refuse('The body has a \\u escape that is half a character.');
      done(null, value);
    });
  },
  { name: 'json-body' },
);

/** Whether arrays and objects nest deeper, brackets in strings aside. One pass over the bytes, before anything is built. */
function isDeeperThan(bytes: Buffer, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) {
      inString = true;
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > limit) return true;
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--;
    }
  }
  return false;
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
