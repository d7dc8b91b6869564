import { ModelFetchError } from '../errors.ts';
import { isLaterPart, toGgufParts } from './gguf-parts.ts';

/** The files among which one is chosen. */
interface Candidates {
  /** For messages: the folder or the repository. */
  readonly place: string;
  readonly names: readonly string[];
  /** How the user names one of the files. */
  naming(name: string): string;
}

/**
 * Which quantisation is taken when no file is named: four bits first, since decoding is bound by memory; then more bits,
 * since fewer lose too much.
 */
const QUANTISATIONS = ['Q4_K_M', 'Q4_1', 'Q4_0', 'Q4_K_S', 'IQ4_NL', 'Q5_K_M', 'Q5_0', 'Q6_K', 'Q8_0', 'BF16', 'F16'];

/**
 * The GGUF file that is served: the one that the user named, of a split file by any part; else by the order above. All
 * parts, the first part first.
 */
export function chooseGguf(files: Candidates, asked: string | undefined): string[] {
  const parts = toGgufParts(asked ?? bestGguf(files));
  const missing = parts.filter((part) => !files.names.includes(part));
  if (missing.length === 0) return parts;
  throw new ModelFetchError(
    parts.length === 1
      ? `${files.place} has no file ${asked}; it has: ${files.names.join(', ')}`
      : `${files.place} is one of ${parts.length} parts, and ${missing.join(', ')} is not beside it; expected all parts in one folder`,
  );
}

function bestGguf({ place, names, naming }: Candidates): string {
  const all = names.filter((name) => /\.gguf$/i.test(name) && !isLaterPart(name));
  for (const name of QUANTISATIONS) {
    const ending = new RegExp(`(?:^|[^A-Za-z0-9])${name}(?:-00001-of-\\d{5})?\\.gguf$`, 'i');
    const found = all.find((path) => ending.test(path));
    if (found !== undefined) return found;
  }
  const [first, ...others] = all;
  if (first !== undefined && others.length === 0) return first;
  // Later parts without their first part name it.
  const later = names.find((name) => /\.gguf$/i.test(name));
  if (first === undefined && later !== undefined) return later;
  throw new ModelFetchError(
    first === undefined
      ? `${place} holds no GGUF file; expected a repository with one ("…-GGUF" of the same model, as a rule)`
      : `${place} holds several GGUF files and none in ${QUANTISATIONS.join(', ')}: ${all.join(', ')}. Name one: ${naming(first)}`,
  );
}
