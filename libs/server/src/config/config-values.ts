import { statSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname, resolve } from 'node:path';

/*
 * Values that a setting accepts but that can never work: a service that starts with one of them answers no request, or
 * each with a refusal.
 */

/** A key that an `Authorization: Bearer` header can carry: visible ASCII without spaces (RFC 6750, 2.1; RFC 9110, 5.5). */
export function isApiKey(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

/** An address or a host name: no scheme, port, brackets or spaces. */
export function isHost(text: string): boolean {
  return isIP(text) !== 0 || (/^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})$/.test(text) && !/^\d+(?:\.\d+){3}$/.test(text));
}

/** An origin as a browser sends it (RFC 6454, 7): lower case, no path, no default port; `null`, or `*` for all. */
export function isOrigin(text: string): boolean {
  if (text === '*' || text === 'null') return true;
  if (/^https?:/i.test(text)) return URL.canParse(text) && new URL(text).origin === text;
  // Applications and extensions of browsers have schemes of their own.
  return /^[a-z][a-z\d+.-]*:\/\/[^/\s?#@]+$/.test(text);
}

/** The base of a server's addresses: a path may follow, but no login, query or fragment. */
export function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username + password + search + hash === '';
}

/** A model as XIM_MODEL takes it cannot have white space at its ends, which quoting in a file leaves. */
export function isTrimmed(text: string): boolean {
  return text.trim() === text;
}

export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** A folder, or a path where one can be made: nothing on the way to it is a file. */
export function mayBeFolder(path: string): boolean {
  try {
    for (let at = resolve(path); ; at = dirname(at)) {
      const found = statSync(at, { throwIfNoEntry: false });
      if (found !== undefined) return found.isDirectory();
    }
  } catch (error) {
    // A folder that this user may not enter is told by what uses it.
    return (error as NodeJS.ErrnoException).code !== 'ENOTDIR';
  }
}
