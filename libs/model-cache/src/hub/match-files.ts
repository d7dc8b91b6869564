import { ModelFetchError } from '../errors.ts';
import type { HubFile, HubListing } from './hub-listing.ts';

/** Files that match one of the patterns, in which * stands for anything but a slash and ** for anything. */
export function matchFiles({ repo, files }: HubListing, patterns: readonly string[]): HubFile[] {
  return patterns.flatMap((pattern) => {
    const expression = pattern
      .split(/(\*\*|\*)/)
      .map((part) => (part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')));
    const found = files.filter(({ path }) => new RegExp(`^${expression.join('')}$`).test(path));
    if (found.length > 0) return found;
    const names = files.map(({ path }) => path).join(', ');
    throw new ModelFetchError(`${repo} has no file ${pattern}; it has: ${names}`);
  });
}
