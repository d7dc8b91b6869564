// The same list as in libs/model-cache/src/sources/child-environment.ts, which cannot be imported before anything is installed;
// child-environment.test.ts holds the two equal.

/** The variables of the user that a program needs to run and to reach a network. None of them changes its output. */
const KEPT = [
  /^(PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TMP|TEMP|TZ|LD_LIBRARY_PATH|XDG_\w+)$/,
  /^(HTTPS?|ALL|NO|FTP)_PROXY$/i,
  /^(SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS|OPENSSL_CONF|NETRC)$/,
  // Managers of versions: `python3` and `node` on PATH may be theirs.
  /^(PYENV|ASDF|MISE|NVM|VOLTA|FNM|NODENV|CONDA)_\w+$/,
  // The places of packages and the way to them. Not the actions of pip: PIP_TARGET, PIP_REPORT, PIP_QUIET …
  /^PIP_(CONFIG_FILE|INDEX_URL|EXTRA_INDEX_URL|NO_INDEX|FIND_LINKS|TRUSTED_HOST|CERT|CLIENT_CERT|PROXY|CACHE_DIR|NO_CACHE_DIR|DEFAULT_TIMEOUT|TIMEOUT|RETRIES|KEYRING_PROVIDER)$/,
  // The same of npm; names with a slash or a colon are credentials and registries of scopes.
  /^npm_config_(registry|cache|userconfig|globalconfig|cafile|ca|cert|key|proxy|https_proxy|http_proxy|noproxy|strict_ssl|offline|prefer_offline|fetch_\w+|maxsockets|_auth\w*|.*[/:].*)$/i,
];

/**
 * The environment of a program whose output is parsed: the needed variables of the user, no colour, a fixed language.
 *
 * @param {Readonly<Record<string, string | undefined>>} env the user's own
 * @param {Readonly<Record<string, string | undefined>>} [set] further variables of the program
 * @param {RegExp} [keep] names of further variables that it needs of the user's own
 * @returns {Record<string, string>}
 */
export function childEnvironment(env, set = {}, keep) {
  const kept = Object.entries(env).filter(([name]) => [...KEPT, ...(keep ? [keep] : [])].some((one) => one.test(name)));
  const own = { LC_ALL: 'C.UTF-8', LANG: 'C.UTF-8', NO_COLOR: '1', TERM: 'dumb' };
  const all = Object.entries({ ...Object.fromEntries(kept), ...own, ...set });
  return Object.fromEntries(all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
