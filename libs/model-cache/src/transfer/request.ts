import { DownloadError } from '../errors.ts';
import { DIRECT, type Network } from './network.ts';

const REDIRECTS = [301, 302, 303, 307, 308];
const MOST_HOPS = 10;

export interface RequestOptions {
  readonly headers: Readonly<Record<string, string>>;
  /** Default: no proxy, and the certificates of Node. */
  readonly network?: Network | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called for every answer, redirects and the last answer included; an exception ends the request. */
  readonly onAnswer?: ((response: Response) => void) | undefined;
}

/**
 * GETs an address through its redirects. A login goes to the host that it was meant for and to no other, and nothing
 * that began under https goes on in the clear.
 */
export async function request(url: URL, options: RequestOptions): Promise<Response> {
  const { signal = null, network = DIRECT } = options;
  let at = url;
  let headers = options.headers;
  for (let hops = 0; hops <= MOST_HOPS; hops += 1) {
    const response = await network.fetch(at, { headers, signal, redirect: 'manual' });
    try {
      options.onAnswer?.(response);
    } catch (error) {
      await response.body?.cancel();
      throw error;
    }
    const location = response.headers.get('location');
    if (!REDIRECTS.includes(response.status) || location === null) return response;
    await response.body?.cancel();
    const next = URL.canParse(location, at.href) ? new URL(location, at) : undefined;
    if (!next || !/^https?:$/.test(next.protocol) || (at.protocol === 'https:' && next.protocol === 'http:')) {
      throw new DownloadError('the server sends on to an address that is not safe to follow', { transient: false });
    }
    if (next.origin !== url.origin) {
      const { authorization: _, ...rest } = headers as Record<string, string>;
      headers = rest;
    }
    at = next;
  }
  throw new DownloadError(`the server sent on more than ${MOST_HOPS} times`, { transient: false });
}
