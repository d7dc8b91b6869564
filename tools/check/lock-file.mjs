import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { foldersWith } from './folders.mjs';

/**
 * @typedef {{ [field: string]: unknown, resolved?: string, link?: boolean, optionalDependencies?: Record<string, string> }} Entry
 */

/** Where the folders of the workspace lie: "workspaces" of package.json. */
const AREAS = ['apps', 'libs', 'tools', 'xim'];

/** The fields that package.json and the entry of its folder in the lock file share. */
const FIELDS = [
  'name',
  'version',
  'workspaces',
  'dependencies',
  'devDependencies',
  'peerDependencies',
  'optionalDependencies',
  'bin',
  'engines',
];

/**
 * The faults of the lock file that make `npm ci` fail here or elsewhere, or that bind the repository to one registry.
 *
 * @param {string} root
 * @returns {string[]} a sentence each
 */
export function lockFileProblems(root) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  /** @param {string} folder */
  const packageJson = (folder) => {
    const file = join(root, folder, 'package.json');
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  };
  const folders = AREAS.flatMap((area) => foldersWith(root, area, 'package.json'));
  return [
    ...missingOptional(packages),
    ...registryAddresses(packages),
    ...unknownFolders(packages, folders),
    ...outOfStep(packages, packageJson),
  ];
}

/**
 * npm leaves the binary of a platform out of the lock when the registry it asks does not have it, and then refuses to
 * install from that lock.
 *
 * @param {Record<string, Entry>} packages
 */
export function missingOptional(packages) {
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !isFound(packages, path, name))
      .map(
        (name) =>
          `${path || 'package.json'} names ${name}, which has no entry: pin an older version of it in "overrides".`,
      ),
  );
}

/** @param {Record<string, Entry>} packages */
export function registryAddresses(packages) {
  return Object.entries(packages)
    .filter(([, { resolved, link }]) => resolved !== undefined && !link)
    .map(
      ([path, { resolved }]) => `${path} comes from ${resolved}: install with omit-lockfile-registry-resolved=true.`,
    );
}

/**
 * @param {Record<string, Entry>} packages
 * @param {string[]} folders those of the workspace
 */
export function unknownFolders(packages, folders) {
  return folders
    .filter((folder) => !(folder in packages))
    .map((folder) => `${folder} has no entry in the lock file: run npm install.`);
}

/**
 * @param {Record<string, Entry>} packages
 * @param {(folder: string) => Record<string, unknown> | undefined} packageJson of a folder, where it exists
 */
export function outOfStep(packages, packageJson) {
  return Object.keys(packages)
    .filter((path) => !path.includes('node_modules/'))
    .flatMap((path) => {
      const [locked, actual] = [packages[path] ?? {}, packageJson(path)];
      if (!actual) return [`${path} is in the lock file and nowhere else: run npm install.`];
      return FIELDS.filter((field) => normal(locked[field]) !== normal(actual[field])).map(
        (field) => `"${field}" of ${join(path, 'package.json')} is not that of the lock file: run npm install.`,
      );
    });
}

/**
 * As Node looks for a package: in the folder's own node_modules, then in those of the folders above.
 *
 * @param {Record<string, Entry>} packages
 * @param {string} from
 * @param {string} name
 */
function isFound(packages, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    if (`${folder && `${folder}/`}node_modules/${name}` in packages) return true;
    if (folder === '') return false;
  }
}

/** @param {unknown} value a lock file has no empty objects, and another order of keys */
function normal(value) {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => a.localeCompare(b));
  return entries.length > 0 ? JSON.stringify(entries) : undefined;
}
