import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ModelFetchError } from '../errors.ts';
import { type Network, toNetwork } from '../transfer/network.ts';

export const PUBLIC_HUB = 'https://huggingface.co';

/** The environment variables of the Hugging Face hub's own tools that mean the same here; XDG_CACHE_HOME and HOME too. */
type Environment = Readonly<Record<string, string | undefined>>;

/** The hub that `hf:` sources are fetched from, as this process is to reach it. */
export interface Hub {
  /** Of the hub or of a mirror of it, without a slash at the end. */
  readonly endpoint: string;
  /** Sent to the host of `endpoint` and to no other. */
  readonly token: string | undefined;
  /** How this process reaches the hub and every other server. Default: no proxy. */
  readonly network?: Network | undefined;
  /** Why the hub could not be reached, once it could not: it is not waited for again. */
  unreachable?: string | undefined;
}

/**
 * The network of `env`, `HF_ENDPOINT`, and the token of `HF_TOKEN`, else the token in the file `HF_TOKEN_PATH` or
 * in the file of `hf auth login`. (https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables)
 */
export function toHub(env: Environment): Hub {
  const endpoint = (env['HF_ENDPOINT'] || PUBLIC_HUB).replace(/\/+$/, '');
  const file = toTokenFile(env);
  const token = toToken(env['HF_TOKEN'], 'HF_TOKEN is') ?? (file && toToken(readText(file), `${file} holds`));
  return { endpoint, token, network: toNetwork(env) };
}

/** Whether the settings of the hub's tools forbid connections: `HF_HUB_OFFLINE`, else `TRANSFORMERS_OFFLINE`. */
export function isHubOffline(env: Environment): boolean {
  return ['1', 'ON', 'YES', 'TRUE'].includes(
    (env['HF_HUB_OFFLINE'] || env['TRANSFORMERS_OFFLINE'] || '').toUpperCase(),
  );
}

/** The file of the token: `HF_TOKEN_PATH`, else the file of `hf auth login`. Undefined for a user without a home. */
export function toTokenFile(env: Environment): string | undefined {
  if (env['HF_TOKEN_PATH']) return expandHome(env['HF_TOKEN_PATH'], env);
  const home = hubHome(env);
  return home === undefined ? undefined : join(home, 'token');
}

/** A path as a shell would read it: `~` and `~/…` lie in the user's home. */
export function expandHome(path: string, env: Environment): string {
  if (path !== '~' && !path.startsWith('~/')) return path;
  const home = homeOf(env);
  return home === undefined ? path : join(home, path.slice(1));
}

/**
 * The model cache: `XIM_MODEL_CACHE`, else the cache that `HF_HUB_CACHE` (formerly `HUGGINGFACE_HUB_CACHE`) names, else
 * `.model_cache` in the clone that `folder` lies in, else the cache of the hub's tools, so that their files
 * are found. Throws a `ModelFetchError` for a user without a home and without these settings.
 */
export function toCacheDir(env: Environment, folder: string): string {
  const named = env['XIM_MODEL_CACHE'] || env['HF_HUB_CACHE'] || env['HUGGINGFACE_HUB_CACHE'];
  if (named) return resolve(folder, expandHome(named, env));
  const clone = findClone(folder);
  if (clone !== undefined) return join(clone, '.model_cache');
  const home = hubHome(env);
  if (home !== undefined) return resolve(folder, home, 'hub');
  throw new ModelFetchError(
    'There is no place for the model cache: HOME is not set and this user has no home. Set XIM_MODEL_CACHE to a folder',
  );
}

/** The root of the workspace around a folder; undefined outside of a clone. */
export function findClone(folder: string): string | undefined {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const text = readText(join(at, 'package.json'));
    if (text !== undefined && existsSync(join(at, 'nx.json')) && text.includes('"@xim/workspace"')) return at;
    if (at === dirname(at)) return undefined;
  }
}

function hubHome(env: Environment): string | undefined {
  if (env['HF_HOME']) return expandHome(env['HF_HOME'], env);
  if (env['XDG_CACHE_HOME']) return join(expandHome(env['XDG_CACHE_HOME'], env), 'huggingface');
  const home = homeOf(env);
  return home === undefined ? undefined : join(home, '.cache', 'huggingface');
}

/** Undefined without HOME for a user id that has no entry in the system's list, as containers use them. */
function homeOf(env: Environment): string | undefined {
  try {
    return env['HOME'] || homedir();
  } catch {
    return undefined;
  }
}

/** The token without the white space of a careless copy; a header takes nothing but visible ASCII. */
function toToken(text: string | undefined, where: string): string | undefined {
  const token = text?.replaceAll(/\s/g, '');
  if (!token) return undefined;
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new ModelFetchError(`${where} no token of the hub: it has other characters than visible ASCII; expected hf_…`);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
