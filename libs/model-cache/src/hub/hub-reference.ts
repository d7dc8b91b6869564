const ID = String.raw`[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*`;
const REFERENCE = new RegExp(String.raw`^(${ID})(?:@([A-Za-z0-9][\w./-]*))?(?:#([^/\\\p{Cc}#?][^\\\p{Cc}]*))?$`, 'u');

export interface HubReference {
  readonly repo: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  /** In the repository; absent where it is the file's path in the model. */
  readonly path: string | undefined;
}

/** Reads `org/name[@revision][#path]`; undefined for anything else. */
export function toHubReference(text: string): HubReference | undefined {
  const [, repo, revision = 'main', path] = REFERENCE.exec(text) ?? [];
  const parts = `${repo}/${revision}/${path ?? ''}`.split('/');
  if (repo === undefined || parts.includes('..') || /--/.test(repo)) return undefined;
  return { repo, revision, path };
}

/** Address of a file's content; it redirects to the host that stores large ones. */
export function toResolveUrl(endpoint: string, { repo, revision }: HubReference, path: string): URL {
  const parts = path.split('/').map(encodeURIComponent).join('/');
  return new URL(`${endpoint}/${repo}/resolve/${encodeURIComponent(revision)}/${parts}`);
}
