/** The hub's short names of licences (https://huggingface.co/docs/hub/repositories-licenses) that SPDX spells otherwise. */
const SPDX: Readonly<Record<string, string>> = {
  'apache-2.0': 'Apache-2.0',
  mit: 'MIT',
  'bsd-2-clause': 'BSD-2-Clause',
  'bsd-3-clause': 'BSD-3-Clause',
  'bsd-3-clause-clear': 'BSD-3-Clause-Clear',
  'cc0-1.0': 'CC0-1.0',
  'cc-by-4.0': 'CC-BY-4.0',
  'cc-by-sa-4.0': 'CC-BY-SA-4.0',
  'cc-by-nc-4.0': 'CC-BY-NC-4.0',
  'cc-by-nc-sa-4.0': 'CC-BY-NC-SA-4.0',
  'cc-by-nc-nd-4.0': 'CC-BY-NC-ND-4.0',
  'gpl-3.0': 'GPL-3.0-only',
  'agpl-3.0': 'AGPL-3.0-only',
  'lgpl-3.0': 'LGPL-3.0-only',
  'mpl-2.0': 'MPL-2.0',
  'artistic-2.0': 'Artistic-2.0',
  unlicense: 'Unlicense',
  isc: 'ISC',
  zlib: 'Zlib',
};

/** An SPDX expression for the hub's name of a licence; `LicenseRef-…` for a licence that SPDX does not list. */
export function toSpdx(name: string | undefined): string | undefined {
  if (name === undefined || name === 'unknown' || name === 'other') return undefined;
  return SPDX[name.toLowerCase()] ?? `LicenseRef-${name.replaceAll(/[^A-Za-z0-9.-]/g, '-')}`;
}
