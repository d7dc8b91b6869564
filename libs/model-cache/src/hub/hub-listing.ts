import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { CancelledError, XimError } from '@xim/engine';
import { DownloadError, ModelFetchError } from '../errors.ts';
import { toConnectionError, toStatusError } from '../transfer/http-errors.ts';
import { toHubSentence } from './hub-errors.ts';
import type { Hub } from './hub-settings.ts';
import { request } from '../transfer/request.ts';
import { toRetryWait } from '../transfer/retry-wait.ts';
import { type HubReference, toResolveUrl } from './hub-reference.ts';

/** The size and checksum that a source states for a file, before or instead of its content. */
export interface FileFacts {
  readonly size: number;
  readonly sha256: string;
}

const ATTEMPTS = 4;
const ANSWER_MS = 10_000;
/** The hub states no sha256 of a small file, so the file is read; its longest size. */
const SMALL_BYTES = 16 * 1024 * 1024;

/** A repository at one commit. */
export interface HubListing {
  readonly repo: string;
  readonly commit: string;
  readonly gated: boolean;
  /** As the model's card has it, in the hub's own spelling. */
  readonly licence: string | undefined;
  /** Unix seconds. */
  readonly created: number;
  readonly files: readonly HubFile[];
}

export interface HubFile {
  readonly path: string;
  readonly size: number;
  /** Of files that the hub stores as large files. */
  readonly sha256: string | undefined;
  /** SHA-1 of git's blob, of everything else. */
  readonly gitId: string | undefined;
}

/** Asks the hub for a repository's commit, licence and files. Rejects with a `ModelFetchError`. */
export async function listRepo(
  hub: Hub,
  { repo, revision }: Pick<HubReference, 'repo' | 'revision'>,
  signal?: AbortSignal,
): Promise<HubListing> {
  // Loaded on demand: most starts have all files and send no request.
  const { listFiles, modelInfo } = await import('@huggingface/hub');
  const options = { hubUrl: hub.endpoint, fetch: patientFetch(hub, signal) };
  try {
    const additionalFields = ['sha', 'cardData', 'createdAt'] as const;
    const info = await modelInfo({ name: repo, revision, additionalFields: [...additionalFields], ...options });
    const commit = String(info.sha);
    if (!/^[0-9a-f]{40}$/.test(commit)) throw new ModelFetchError(`the hub named no commit for ${repo}@${revision}`);
    const files: HubFile[] = [];
    for await (const { type, path, size, oid, lfs } of listFiles({
      repo,
      revision: commit,
      recursive: true,
      ...options,
    })) {
      if (type === 'file')
        files.push({ path, size: lfs?.size ?? size, sha256: lfs?.oid, gitId: lfs ? undefined : oid });
    }
    const licence = info.cardData?.license;
    const created = Math.floor(Date.parse(String(info.createdAt ?? info.updatedAt)) / 1000);
    return {
      repo,
      commit,
      gated: Boolean(info.gated),
      licence: typeof licence === 'string' ? licence : undefined,
      created: Number.isFinite(created) ? created : 0,
      files,
    };
  } catch (error) {
    if (signal?.aborted) throw new CancelledError('The fetch was cancelled.');
    const said = toHubSentence(error, hub, repo);
    if (said instanceof DownloadError) {
      throw new ModelFetchError(`${hub.endpoint} could not be asked about ${repo}: ${said.message}`, { cause: error });
    }
    if (XimError.isInstance(said)) throw said;
    throw new ModelFetchError(`the hub's answer about ${repo} was not understood (${(said as Error).message})`, {
      cause: error,
    });
  }
}

/** Size and sha256 of one file of a listing: stated by the hub, or computed from content that the hub's git id proves. */
export async function toFacts(hub: Hub, listing: HubListing, path: string, signal?: AbortSignal): Promise<FileFacts> {
  const file = toFile(listing, path);
  if (file.sha256 !== undefined) return { size: file.size, sha256: file.sha256 };
  const content = await readSmall(hub, listing, file, signal);
  return { size: content.length, sha256: createHash('sha256').update(content).digest('hex') };
}

/** The text of a small file of a listing, whose checksum the listing proves. */
export async function readText(hub: Hub, listing: HubListing, path: string, signal?: AbortSignal): Promise<string> {
  return (await readSmall(hub, listing, toFile(listing, path), signal)).toString('utf8');
}

function toFile({ repo, commit, files }: HubListing, path: string): HubFile {
  const file = files.find((one) => one.path === path);
  if (!file) throw new ModelFetchError(`${repo} has no file ${path} at ${commit}`);
  return file;
}

async function readSmall(hub: Hub, listing: HubListing, file: HubFile, signal?: AbortSignal): Promise<Buffer> {
  const { repo, commit: revision } = listing;
  const { path, gitId, sha256 } = file;
  if (file.size > SMALL_BYTES) {
    throw new ModelFetchError(`the hub states no sha256 for ${path} of ${repo}, and it has ${file.size} bytes`);
  }
  const url = toResolveUrl(hub.endpoint, { repo, revision, path }, path);
  const response = await patientFetch(
    hub,
    signal,
  )(url).catch((error: unknown) => {
    throw toHubSentence(error, hub, repo);
  });
  const content = Buffer.from(await response.arrayBuffer());
  const isRight =
    sha256 === undefined ? toGitId(content) === gitId : createHash('sha256').update(content).digest('hex') === sha256;
  if (isRight) return content;
  throw new ModelFetchError(
    `what the hub sent for ${path} of ${repo} is not what it lists (${gitId === undefined ? `sha256 ${sha256}` : `git ${gitId}`})`,
  );
}

export async function readFacts(
  hub: Hub,
  reference: HubReference,
  path: string,
  signal?: AbortSignal,
): Promise<FileFacts> {
  return toFacts(hub, await listRepo(hub, reference, signal), path, signal);
}

/** Name of a content in git (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects). */
export function toGitId(content: Uint8Array): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

/** A fetch that waits as long as the hub asks, sends the token to the hub alone, and throws on each other status. */
function patientFetch(hub: Hub, signal: AbortSignal | undefined): typeof fetch {
  return async (input, init) => {
    const headers = Object.fromEntries(new Headers(init?.headers).entries());
    if (hub.token !== undefined) headers['authorization'] = `Bearer ${hub.token}`;
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await ask(hub, new URL(String(input)), headers, signal);
      if (!(outcome instanceof Error)) return outcome;
      const patient = outcome instanceof DownloadError && outcome.transient && (!outcome.unreachable || attempt < 2);
      if (!patient || attempt >= ATTEMPTS) throw outcome;
      await delay(toRetryWait(hub.network, attempt, outcome.retryAfter), undefined, { signal });
    }
  };
}

/** One try: a success, or the error to throw. */
async function ask(
  hub: Hub,
  url: URL,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<Response | Error> {
  const late = AbortSignal.timeout(ANSWER_MS);
  try {
    const either = signal ? AbortSignal.any([signal, late]) : late;
    const response = await request(url, { headers, network: hub.network, signal: either });
    return response.ok ? response : toStatusError(response);
  } catch (error) {
    if (late.aborted && signal?.aborted !== true) {
      return new DownloadError(`no answer came for ${ANSWER_MS / 1000} s`, { transient: true, unreachable: true });
    }
    return toConnectionError(error, false) as Error;
  }
}
