import { DownloadError, ModelFetchError } from '../errors.ts';
import type { Hub } from './hub-settings.ts';

/** The error to throw instead of `error`: the meaning of the hub's refusal and the remedy. */
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
