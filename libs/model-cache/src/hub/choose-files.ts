import { ModelFetchError } from '../errors.ts';
import { isLaterPart, toGgufParts } from '../formats/gguf-parts.ts';
import type { HubFile, HubListing } from './hub-listing.ts';

/**
 * Which quantisation of a GGUF repository is taken when none is named: four bits first, since decoding is bound by
 * memory; then more bits, since fewer lose too much.
 */
const QUANTISATIONS = ['Q4_K_M', 'Q4_1', 'Q4_0', 'Q4_K_S', 'IQ4_NL', 'Q5_K_M', 'Q5_0', 'Q6_K', 'Q8_0', 'BF16', 'F16'];

/**
 * The GGUF file of a repository that is served: the one that `path` names, by any part of a split file; without `path`
 * by the order above. All parts, the first part first.
 */
export function chooseGguf(listing: HubListing, path?: string): HubFile[] {
  return matchFiles(listing, toGgufParts(path ?? bestGguf(listing).path));
}

function bestGguf({ repo, files }: HubListing): HubFile {
  const all = files.filter(({ path }) => /\.gguf$/i.test(path) && !isLaterPart(path));
  for (const name of QUANTISATIONS) {
    const ending = new RegExp(`(?:^|[^A-Za-z0-9])${name}(?:-00001-of-\\d{5})?\\.gguf$`, 'i');
    const found = all.find(({ path }) => ending.test(path));
    if (found) return found;
  }
  const [only, ...others] = all;
  if (only && others.length === 0) return only;
  const gguf = all.map(({ path }) => path).join(', ') || 'none';
  throw new ModelFetchError(
    all.length === 0
      ? `${repo} holds no GGUF file; expected a repository with one ("…-GGUF" of the same model, as a rule). Safetensors are ` +
          `converted first: npx xim-models convert models.json --task generate --from ${repo}`
      : `${repo} holds several GGUF files and none in ${QUANTISATIONS.join(', ')}: ${gguf}. Name one: ${repo}#file.gguf`,
  );
}

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
