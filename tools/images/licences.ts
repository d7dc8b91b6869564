// `npx nx run <app>:licences`: is everything in the image under a licence of xim/licences.json?
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ImageError } from './errors.ts';
import { type Built, type Image, readBuilt, readImage, ROOT } from './image.ts';
import { main, refuseArguments, run } from './program.ts';
import { type Component, noteSbom, readSbom, type Sbom } from './sbom.ts';

/** xim/licences.json */
export interface Policy {
  /** SPDX identifiers that a component may be under. */
  readonly allowed: readonly string[];
  /** Other spellings in packages: beginning of the text → identifier. */
  readonly spellings: Readonly<Record<string, string>>;
  /** Kinds of package (`deb`) that come as a whole from a distribution with rules of its own, and the reason. */
  readonly distributions: Readonly<Record<string, string>>;
  /** Components that were read one by one, since they state no licence, one that is not allowed, or only their own: name in lower case → result. */
  readonly reviewed: Readonly<Record<string, Reviewed>>;
}

export interface Reviewed {
  /** SPDX expression, with the libraries that the package carries. */
  readonly licence: string;
  /** Why an image may hold it, and where its source is. For the notice. */
  readonly reason: string;
}

export interface Verdict {
  /** A line per component without an allowed or reviewed licence. */
  readonly problems: readonly string[];
  /** SPDX identifiers of the components that are not part of the distribution, sorted. */
  readonly identifiers: readonly string[];
  /** For people: every component with its version and licences. */
  readonly notice: string;
}

export function judge(sbom: Sbom, policy: Policy): Verdict {
  const problems: string[] = [];
  const identifiers = new Set<string>();
  const lines: string[] = [];
  for (const component of sbom.components ?? []) {
    if (!component.purl) continue; // the operating system itself, files
    const kind = /^pkg:(\w+)\//.exec(component.purl)?.[1] ?? '';
    const reviewed = policy.reviewed[component.name.toLowerCase()];
    const licences = reviewed ? [reviewed.licence] : toLicences(component, policy);
    const title = `${component.purl.split('?')[0]!.replace('pkg:', '')}`;
    const stated = licences.join(', ') || (policy.distributions[kind] ?? 'not stated');
    lines.push(`${title}: ${stated}${reviewed ? ` (${reviewed.reason})` : ''}`);
    if (kind in policy.distributions) continue;
    const parts = licences.flatMap(toIdentifiers);
    const refused = reviewed ? [] : parts.filter((part) => !policy.allowed.includes(part));
    if (parts.length === 0) problems.push(`${title} states no licence`);
    else if (refused.length > 0) problems.push(`${title} is under ${refused.join(', ')}`);
    for (const part of parts) identifiers.add(part);
  }
  return { problems, identifiers: [...identifiers].sort(), notice: [...new Set(lines)].sort().join('\n') };
}

function toLicences({ licenses = [] }: Component, { spellings }: Policy): string[] {
  const stated = licenses.map(({ expression, license }) => expression ?? license?.id ?? license?.name ?? '');
  const text = stated.join(' ').trim();
  const spelling = Object.keys(spellings).find((beginning) => text.startsWith(beginning));
  if (spelling !== undefined) return [spellings[spelling]!];
  return stated.filter(Boolean);
}

/** The identifiers in an SPDX expression; all have to be allowed, alternatives too. */
function toIdentifiers(expression: string): string[] {
  return expression.split(/\s+(?:AND|OR|and|or)\s+|[()]/).flatMap((part) => part.trim() || []);
}

export function readPolicy(): Policy {
  return JSON.parse(readFileSync(join(ROOT, 'xim/licences.json'), 'utf8'));
}

/** Judges, and puts the notice and the label of licences into an app's image. */
export function checkLicences(image: Image): void {
  const { problems, identifiers, notice } = judge(readSbom(image).sbom, readPolicy());
  if (problems.length > 0)
    throw new ImageError(
      `${image.local} holds what xim/licences.json does not allow:\n${problems.map((line) => `  ${line}`).join('\n')}\n` +
        'Leave it out, or add the licence after having read it.',
    );
  const expression = identifiers.join(' AND ');
  const folder = join(image.notes, 'notices');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'NOTICE'), `${image.local} contains\n\n${notice}\n`);
  // A base image has none: the image on top of it lists the contents of both, and would have to be built again.
  if (image.kind === 'app') addNotices(image, readBuilt(image), { folder, expression });
  console.log(`${image.local}: ${expression}`);
}

/** Adds one layer to the existing image, independent of the arguments of its build. */
function addNotices(image: Image, built: Built, { folder, expression }: { folder: string; expression: string }): void {
  const dockerfile = join(image.notes, 'notices.Dockerfile');
  // BuildKit looks for an id in a registry alone, so the tag of the version names this image.
  run('docker', ['tag', built.id, `${image.local}:${image.version}`]);
  writeFileSync(dockerfile, `FROM ${image.local}:${image.version}\nCOPY . /licences/\n`);
  run('docker', [
    ...[
      'build',
      '--quiet',
      '--provenance=false',
      `--file=${dockerfile}`,
      `--metadata-file=${join(image.notes, 'build.json')}`,
    ],
    ...[image.byPath, `${image.local}:latest`, `${image.local}:${image.version}`].map((tag) => `--tag=${tag}`),
    `--label=org.opencontainers.image.licenses=${expression}`,
    folder,
  ]);
  // Only the notice is missing in the SBOM.
  noteSbom(image);
}

if (process.argv[1] === import.meta.filename)
  await main(([folder, ...args]) => {
    refuseArguments('licences', args);
    checkLicences(readImage(folder));
  });
