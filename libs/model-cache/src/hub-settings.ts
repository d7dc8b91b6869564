import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export const PUBLIC_HUB = 'https://huggingface.co';

/** The environment variables of the Hugging Face hub's own tools that mean the same here; XDG_CACHE_HOME and HOME too. */
type Environment = Readonly<Record<string, string | undefined>>;

/** The hub that `hf:` sources are fetched from, as this process is to reach it. */
export interface Hub {
  /** Of the hub or of a mirror of it, without a slash at the end. */
  readonly endpoint: string;
  /** Sent to the host of `endpoint` and to no other. */
  readonly token: string | undefined;
  /** Why the hub could not be reached, once it could not: it is not waited for again. */
  unreachable?: string | undefined;
}

/**
 * `HF_ENDPOINT`, and the token of `HF_TOKEN`, else that of the file `HF_TOKEN_PATH` or the one that `hf auth login`
 * writes. (https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables)
 */
export function toHub(env: Environment): Hub {
  const endpoint = (env['HF_ENDPOINT'] || PUBLIC_HUB).replace(/\/+$/, '');
  return { endpoint, token: toToken(env['HF_TOKEN']) ?? toToken(readText(toTokenFile(env))) };
}

/** Where `hf auth login` leaves its token, unless `HF_TOKEN_PATH` says otherwise. */
export function toTokenFile(env: Environment): string {
  return env['HF_TOKEN_PATH'] || join(hubHome(env), 'token');
}

/**
 * The model cache: `XIM_MODEL_CACHE`, else `.model_cache` in the clone that `folder` lies in, else the cache of the
 * hub's own tools, so that what they fetched is found.
 */
export function toCacheDir(env: Environment, folder: string): string {
  if (env['XIM_MODEL_CACHE']) return resolve(folder, env['XIM_MODEL_CACHE']);
  const clone = findClone(folder);
  if (clone !== undefined) return join(clone, '.model_cache');
  return env['HF_HUB_CACHE'] || join(hubHome(env), 'hub');
}

/** The root of the workspace around a folder; undefined outside of a clone. */
export function findClone(folder: string): string | undefined {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const text = readText(join(at, 'package.json'));
    if (text !== undefined && existsSync(join(at, 'nx.json')) && text.includes('"@xim/workspace"')) return at;
    if (at === dirname(at)) return undefined;
  }
}

function hubHome(env: Environment): string {
  return env['HF_HOME'] || join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'huggingface');
}

function toToken(text: string | undefined): string | undefined {
  return text?.replaceAll(/\s/g, '') || undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
