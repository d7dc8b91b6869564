import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type * as Undici from 'undici';
import { ModelFetchError } from '../errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** How files are fetched over HTTP from this process. */
export interface Network {
  /** As the global `fetch`, through the proxies and with the certificates of the environment. */
  readonly fetch: typeof fetch;
  /** Milliseconds before the second try of a request that failed, doubled before each further try. Default 500. */
  readonly retryMs?: number;
}

/** Without a proxy and with the certificates of Node. */
export const DIRECT: Network = { fetch: (input, init) => fetch(input, init) };

/** The variables that curl, Python's requests and the hub's client read, in the order of precedence. */
const BUNDLES = ['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'SSL_CERT_FILE', 'SSL_CERT_DIR'];

/** The settings that curl and Python's tools share, read and checked. */
interface NetworkSettings {
  /** Proxies by the scheme of the requested address. */
  readonly proxies: Readonly<Record<'http:' | 'https:', URL | undefined>>;
  /** Hosts without a proxy: names with their subdomains, each with an optional port; `*` for all hosts. */
  readonly noProxy: string;
  /** Certificates of authorities, PEM; undefined for those of Node. */
  readonly ca: string[] | undefined;
}

/**
 * The network as the environment describes it: `HTTP_PROXY` and `HTTPS_PROXY` by the scheme of the address, `ALL_PROXY` for
 * either, `NO_PROXY`, in lower case first; `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`, `SSL_CERT_FILE` or `SSL_CERT_DIR`, of which
 * the first that is set replaces the authorities of Node, and `NODE_EXTRA_CA_CERTS`, which adds to them. Opens and
 * loads nothing before the first request, which rejects with a `ModelFetchError` where a setting cannot be used.
 */
export function toNetwork(env: Environment): Network {
  let ready: Promise<typeof fetch> | undefined;
  return { fetch: async (input, init) => (await (ready ??= createFetch(env)))(input, init) };
}

/** A sentence for each invalid setting, and for each ignored setting. */
export function checkNetwork(env: Environment): { problems: readonly string[]; warnings: readonly string[] } {
  const { problems, warnings } = readSettings(env);
  return { problems, warnings };
}

async function createFetch(env: Environment): Promise<typeof fetch> {
  const { settings, problems } = readSettings(env);
  if (problems.length > 0) throw new ModelFetchError(problems.join(' '));
  const { proxies, noProxy, ca } = settings;
  if (proxies['http:'] === undefined && proxies['https:'] === undefined && ca === undefined) return DIRECT.fetch;

  // Loaded when it is needed: most processes have no proxy. Node's own fetch takes no dispatcher of another version.
  const undici = await import('undici');
  const tls = ca === undefined ? {} : { ca };
  const toDispatcher = (proxy: URL | undefined) => {
    if (proxy === undefined) return new undici.Agent({ connect: tls });
    const { href, username, password } = proxy;
    const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
    return new undici.EnvHttpProxyAgent({
      ...{ httpProxy: href, httpsProxy: href, noProxy },
      // Proxies refuse CONNECT to the port of plain HTTP, as a rule.
      proxyTunnel: false,
      ...(username !== '' && { token: `Basic ${login}` }),
      ...{ connect: tls, requestTls: tls, proxyTls: tls },
    });
  };
  const dispatchers = { 'http:': toDispatcher(proxies['http:']), 'https:': toDispatcher(proxies['https:']) };
  return ((input: string | URL, init?: RequestInit) => {
    const { protocol } = new URL(input);
    const dispatcher = dispatchers[protocol === 'http:' ? 'http:' : 'https:'];
    return undici.fetch(input, { ...(init as Undici.RequestInit), dispatcher });
  }) as unknown as typeof fetch;
}

function readSettings(env: Environment): { settings: NetworkSettings; problems: string[]; warnings: string[] } {
  const problems: string[] = [];
  const warnings: string[] = [];
  const proxyOf = (scheme: 'HTTP_PROXY' | 'HTTPS_PROXY'): URL | undefined => {
    const name = [scheme.toLowerCase(), scheme, 'all_proxy', 'ALL_PROXY'].find((one) => env[one]);
    if (name === undefined) return undefined;
    // Without a scheme, as curl allows, it is HTTP.
    const text = /^[a-z][a-z\d+.-]*:\/\//i.test(env[name]!) ? env[name]! : `http://${env[name]!}`;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || url.hostname === '') {
      problems.push(`${name} is no address of a proxy; expected http://host:port or http://user:password@host:port.`);
    } else if (!/^https?:$/.test(url.protocol)) {
      const kind = url.protocol.slice(0, -1);
      warnings.push(
        `${name} is ignored for models: it names a proxy of the kind ${kind}, and only http and https are known.`,
      );
      return undefined;
    }
    return url;
  };
  const proxies = { 'http:': proxyOf('HTTP_PROXY'), 'https:': proxyOf('HTTPS_PROXY') };
  const noProxy = env['no_proxy'] ?? env['NO_PROXY'] ?? '';

  const read = (name: string): string[] => {
    try {
      return readCertificates(env[name]!);
    } catch (error) {
      problems.push(
        `${name}="${env[name]}" cannot be used (${(error as Error).message}); expected certificates as PEM.`,
      );
      return [];
    }
  };
  const bundle = BUNDLES.find((name) => env[name]);
  const extra = env['NODE_EXTRA_CA_CERTS'];
  // Node adds these certificates itself while no setting replaces its authorities.
  const ca = bundle === undefined ? undefined : [...read(bundle), ...(extra ? read('NODE_EXTRA_CA_CERTS') : [])];
  return { settings: { proxies, noProxy, ca }, problems: [...new Set(problems)], warnings: [...new Set(warnings)] };
}

/** The certificates of a file, or of all files of a folder that hold some. */
function readCertificates(path: string): string[] {
  const files = statSync(path).isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [path];
  const texts = files.filter((file) => statSync(file).isFile()).map((file) => readFileSync(file, 'utf8'));
  const found = texts.flatMap((text) => text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []);
  if (found.length === 0) throw new Error('no certificate is in it');
  return found;
}
