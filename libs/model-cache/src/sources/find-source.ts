import { converted } from './converted.ts';
import { folder } from './folder.ts';
import { hf } from './hf.ts';
import { http, https } from './https.ts';
import { pypi } from './pypi.ts';
import type { Source } from './source.ts';

const SOURCES: Readonly<Record<string, Source>> = { hf, pypi, https, http, file: folder, convert: converted };

/** Splits `scheme:reference`; undefined for an unknown scheme. */
export function findSource(text: string): { source: Source; reference: string } | undefined {
  const colon = text.indexOf(':');
  const scheme = text.slice(0, colon);
  if (colon < 0 || !Object.hasOwn(SOURCES, scheme)) return undefined;
  return { source: SOURCES[scheme] as Source, reference: text.slice(colon + 1) };
}

/** The fault of an entry of `sources`, and the expected form. */
export function sourceProblem(text: string): string | undefined {
  const found = findSource(text);
  if (!found) {
    const known = [...new Set(Object.values(SOURCES).map((source) => source.form))];
    return `the source ${JSON.stringify(text)} is of no known kind; expected ${known.join(' or ')}`;
  }
  if (found.source.accepts(found.reference)) return undefined;
  return `the source ${JSON.stringify(text)} is malformed; expected ${found.source.form}`;
}
