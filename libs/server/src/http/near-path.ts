import { isOneSlip } from '../config/unknown-variables.ts';

/**
 * The path that was probably meant by one that is not there: with `/v1` missing or twice, with slashes twice, behind a
 * prefix of another server or the path of another endpoint, or with one letter wrong.
 *
 * @param paths those that are there, without parameters
 */
export function nearPath(path: string, paths: readonly string[]): string | undefined {
  const plain = `/${path.split('/').filter(Boolean).join('/')}`;
  const bare = plain.replace(/^(\/v1)+(?=\/|$)/, '') || '/';
  const longestFirst = paths.filter((one) => one !== '/').toSorted((a, b) => b.length - a.length);
  const sameEnd = (one: string): boolean => plain.endsWith(one) || plain.endsWith(one.replace(/^\/v1(?=\/)/, ''));
  return (
    [plain, bare, `/v1${bare}`].find((one) => one !== '/' && paths.includes(one)) ??
    longestFirst.find(sameEnd) ??
    longestFirst.find((one) => isOneSlip(plain.toLowerCase(), one) || isOneSlip(`/v1${bare}`.toLowerCase(), one))
  );
}
