import { XimError } from '@xim/engine';
import { DownloadError, ModelFetchError } from './errors.ts';
import type { Hub } from './hub-settings.ts';

/** The error to throw instead of `error`: what the hub's refusal means and what to do about it. */
export function toHubSentence(error: unknown, hub: Hub, repo: string): unknown {
  if (!(error instanceof DownloadError)) return error;
  const { status, reason } = error;
  if (status === undefined) return error;
  const page = `${hub.endpoint}/${repo}`;
  const token =
    hub.token === undefined ? 'set HF_TOKEN to a token of that account' : 'the token in use is not of such an account';
  const sentence =
    reason === 'GatedRepo'
      ? `${repo} is gated: accept its licence at ${page} and ${token}`
      : reason === 'RevisionNotFound'
        ? `${repo} has no such revision on the hub; see ${page}/commits/main`
        : reason === 'EntryNotFound'
          ? `${repo} has no such file at this revision; see ${page}/tree/main`
          : reason === 'RepoNotFound' || [401, 403, 404].includes(status)
            ? `${repo} is not on the hub, or only for those who may see it: check the name, or ${token}`
            : undefined;
  return sentence === undefined ? error : new ModelFetchError(sentence, { cause: error });
}

/** The same for errors of the hub's client, which are known by their status. */
export function toListingError(error: unknown, hub: Hub, repo: string): unknown {
  if (XimError.isInstance(error)) return toHubSentence(error, hub, repo);
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  if (typeof status !== 'number') return error;
  const message = (error as Error).message.split('. URL:')[0] ?? '';
  const known = new DownloadError(`the hub answered ${status} (${message})`, { transient: false, status });
  return toHubSentence(known, hub, repo);
}
