import type { ModelFile } from '@xim/engine';
import { DownloadError, ModelFetchError } from '../errors.ts';
import { readGguf, type GgufFacts } from '../formats/gguf.ts';
import { type HubFile, type HubListing, toFacts } from './hub-listing.ts';
import type { Hub } from './hub-settings.ts';
import { request } from '../transfer/request.ts';
import { toResolveUrl } from './hub-reference.ts';
import { toSpdx } from './spdx.ts';
import { toStatusError } from '../transfer/http-errors.ts';

/** The members of a lock entry that the hub knows. */
export interface HubFacts {
  readonly id: string;
  readonly revision: string;
  readonly licence: string;
  readonly gated?: true;
  readonly created: number;
  readonly files: readonly ModelFile[];
}

/** Resolves files of a listing to sizes and checksums, with licence, gate and date. */
export async function lockFiles(
  hub: Hub,
  listing: HubListing,
  files: readonly HubFile[],
  signal?: AbortSignal,
): Promise<HubFacts> {
  const locked: ModelFile[] = [];
  for (const { path } of files) {
    const { size, sha256 } = await toFacts(hub, listing, path, signal);
    locked.push({ path, size, sha256, sources: [`hf:${listing.repo}@${listing.commit}`] });
  }
  return {
    id: listing.repo,
    revision: listing.commit,
    // A model without a stated licence is not free of one.
    licence: toSpdx(listing.licence) ?? 'LicenseRef-unstated',
    ...(listing.gated && { gated: true as const }),
    created: listing.created,
    files: locked,
  };
}

/** The header of a GGUF file on the hub, without the rest of it. */
export async function readRemoteGguf(
  hub: Hub,
  { repo, commit }: HubListing,
  path: string,
  signal?: AbortSignal,
): Promise<GgufFacts> {
  const url = toResolveUrl(hub.endpoint, { repo, revision: commit, path }, path);
  const readAt = async (offset: number, length: number): Promise<Buffer> => {
    const headers = {
      range: `bytes=${offset}-${offset + length - 1}`,
      'accept-encoding': 'identity',
      ...(hub.token !== undefined && { authorization: `Bearer ${hub.token}` }),
    };
    const response = await request(url, { headers, network: hub.network, signal });
    if (response.status === 416) return Buffer.alloc(0);
    if (!response.ok) throw toStatusError(response);
    const bytes: Buffer[] = [];
    let got = 0;
    // A server that ignores ranges sends everything from the beginning.
    const skip = response.status === 200 ? offset : 0;
    for await (const chunk of response.body ?? []) {
      bytes.push(Buffer.from(chunk));
      got += chunk.byteLength;
      if (got >= skip + length) break;
    }
    return Buffer.concat(bytes).subarray(skip, skip + length);
  };
  try {
    return await readGguf(readAt, `${repo}#${path}`);
  } catch (error) {
    if (error instanceof ModelFetchError && !(error instanceof DownloadError)) throw error;
    throw new ModelFetchError(`the header of ${path} of ${repo} could not be read (${(error as Error).message})`, {
      cause: error,
    });
  }
}
