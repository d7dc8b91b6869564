import { join } from 'node:path';
import { download } from '../transfer/download.ts';
import { DownloadError, ModelFetchError } from '../errors.ts';
import { readFacts } from '../hub/hub-listing.ts';
import { toHubSentence } from '../hub/hub-errors.ts';
import { toHubReference, toResolveUrl } from '../hub/hub-reference.ts';
import type { Source } from './source.ts';

/** A server that does not answer within so long is taken for away: another source may be near. */
const ANSWER_MS = 5_000;

/** A file of a repository on the Hugging Face hub, or on the mirror that HF_ENDPOINT names. */
export const hf: Source = {
  form: 'hf:org/name[@revision][#path]',

  accepts: (reference) => toHubReference(reference) !== undefined,

  async open(text, { sha256, size, path: name }, { partialFolder, hub, signal, report }) {
    if (hub.unreachable !== undefined) throw new ModelFetchError(hub.unreachable);
    const reference = toHubReference(text)!;
    const path = join(partialFolder, `${sha256}.part`);
    try {
      await download({
        url: toResolveUrl(hub.endpoint, reference, reference.path ?? name),
        path,
        sha256,
        network: hub.network,
        authorization: hub.token === undefined ? undefined : `Bearer ${hub.token}`,
        onAnswer: (response) => assertSame(response, { sha256, size }),
        signal,
        onProgress: (receivedBytes, totalBytes) => report({ file: name, receivedBytes, totalBytes }),
        connectAttempts: 2,
        answerMs: ANSWER_MS,
      });
      return { path };
    } catch (error) {
      if (error instanceof DownloadError && error.unreachable && error.status === undefined) {
        hub.unreachable = `${hub.endpoint} cannot be reached${error.reason === undefined ? '' : ` (${error.reason})`}`;
        throw new ModelFetchError(hub.unreachable, { cause: error });
      }
      throw toHubSentence(error, hub, reference.repo);
    }
  },

  async facts(text, path, { hub, signal }) {
    const reference = toHubReference(text)!;
    return readFacts(hub, reference, reference.path ?? path, signal);
  },
};

/**
 * The hub states the size and, for large files, the sha256 before it sends a byte
 * (https://huggingface.co/docs/huggingface_hub/package_reference/file_download).
 */
function assertSame({ headers }: Response, lock: { size: number; sha256: string }): void {
  const sha256 = headers.get('x-linked-etag')?.replaceAll(/^W\/|"/g, '');
  if (sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256) && sha256 !== lock.sha256) {
    throw new ModelFetchError(`the hub has another file there, sha256 ${sha256}; the lock file says ${lock.sha256}`);
  }
  const size = headers.get('x-linked-size');
  if (size !== null && /^\d+$/.test(size) && Number(size) !== lock.size) {
    throw new ModelFetchError(`the hub has another file there, of ${size} bytes; the lock file says ${lock.size}`);
  }
}
