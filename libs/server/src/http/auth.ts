import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fp from 'fastify-plugin';
import { isApiKey } from '../config/config-values.ts';
import type { Config } from '../config/config.ts';
import { ServiceStartError, UnauthorizedError } from '../errors/errors.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The client: the number of its key, from 1. Empty where the service has no keys: then all are one client. */
    caller: string;
  }
  interface FastifyContextConfig {
    /** The route answers without a key. */
    open?: boolean;
  }
}

/** All configured keys. Throws ServiceStartError when the file cannot be read or holds none: an empty list would open the service. */
export function readApiKeys(config: Pick<Config, 'apiKeys' | 'apiKeysFile'>): readonly string[] {
  if (config.apiKeysFile === undefined) return config.apiKeys;
  let text: string;
  try {
    text = readFileSync(config.apiKeysFile, 'utf8');
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new ServiceStartError(`[server] XIM_API_KEYS_FILE="${config.apiKeysFile}" cannot be read (${reason}).`, {
      cause,
    });
  }
  const keys = text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  if (keys.length === 0) {
    throw new ServiceStartError(
      `[server] XIM_API_KEYS_FILE="${config.apiKeysFile}" holds no key; expected one per line.`,
    );
  }
  const wrong = keys.findIndex((key) => !isApiKey(key));
  if (wrong >= 0) {
    throw new ServiceStartError(
      `[server] XIM_API_KEYS_FILE="${config.apiKeysFile}": key ${wrong + 1} has a space or another character that no header ` +
        'carries; expected one key per line, of visible ASCII characters without spaces.',
    );
  }
  return [...config.apiKeys, ...keys];
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The keys of a running service. */
export interface ApiKeys {
  /** 0: no request needs a key. Never becomes 0 while the service runs. */
  readonly count: number;
  /**
   * The number of a key, from 1; 0 where it is none of them. Takes as long for a wrong key as for a right one: digests
   * are compared, with all keys, in constant time.
   */
  find(key: string): number;
  /**
   * Reads the file of keys again. Throws ServiceStartError where it cannot be read or holds none; then the keys stay as
   * they are. Requests that run already are not affected.
   */
  reload(): void;
}

/** Throws as `readApiKeys` does. */
export function createApiKeys(config: Pick<Config, 'apiKeys' | 'apiKeysFile'>): ApiKeys {
  const read = (): readonly Buffer[] => readApiKeys(config).map(digest);
  let digests = read();
  return {
    get count() {
      return digests.length;
    },
    find(key) {
      const hash = digest(key);
      let number = 0;
      for (const [i, one] of digests.entries()) if (timingSafeEqual(one, hash)) number = i + 1;
      return number;
    },
    reload() {
      digests = read();
    },
  };
}

/** Asks for one of the keys on every path but the open ones. */
export const auth = fp<{ keys: ApiKeys }>(
  async (app, { keys }) => {
    app.decorateRequest('caller', '');
    if (keys.count === 0) return;

    app.addHook('onRequest', (request, _reply, done) => {
      if (request.routeOptions.config?.open) return done();
      const header = request.headers.authorization;
      // Clients of Anthropic's API send the bare key in a header of its own.
      const bare = [request.headers['x-api-key']].flat()[0];
      const given = header === undefined ? bare : /^Bearer +(\S+) *$/i.exec(header)?.[1];
      if (given === undefined) {
        const found = header === undefined ? 'no key was sent' : 'the Authorization header is not of that form';
        return done(new UnauthorizedError(`This service needs an API key as "Authorization: Bearer …"; ${found}.`));
      }
      const number = keys.find(given);
      if (number > 0) request.caller = String(number);
      done(number > 0 ? undefined : new UnauthorizedError('The API key is not one of this service.'));
    });
  },
  { name: 'auth' },
);

/** Whether nobody but this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
