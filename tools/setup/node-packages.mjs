import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError, toSetupError } from './errors.mjs';
import { run } from './run.mjs';

/** 404 MB were seen; a lock file grows. */
const NEEDS = 600 * 2 ** 20;

/**
 * Whether node_modules holds what package-lock.json names, for this Node and platform.
 *
 * @param {string} root
 */
export function nodePackagesCurrent(root) {
  const wanted = stampFor(root);
  const stamp = readJson(stampFile(root));
  if (stamp && (stamp.node !== wanted.node || stamp.platform !== wanted.platform)) return false;
  if (stamp?.lock === wanted.lock) return true;
  // Somebody ran npm by hand. Its own record of what it installed, written as its last act, is as good as ours.
  if (!npmAgrees(root)) return false;
  writeFileSync(stampFile(root), JSON.stringify(wanted));
  return true;
}

/**
 * @param {object} options
 * @param {string} options.root
 * @param {NodeJS.ProcessEnv} options.env
 * @param {string} options.logFile
 * @param {boolean} options.offline
 * @param {(line: string) => void} options.log
 */
export async function installNodePackages({ root, env, logFile, offline, log }) {
  log('installing node packages (about 30 s the first time) …');
  const since = Date.now();
  const { ok, output } = await run(
    'npm',
    [
      ...['ci', '--no-progress', '--loglevel=error', '--no-update-notifier'],
      // tsx, which runs the services, is a development package: NODE_ENV=production must not leave it out.
      ...['--include=dev', offline ? '--offline' : '--prefer-offline'],
    ],
    { cwd: root, env, logFile },
  );
  if (!ok && /spawn npm ENOENT/.test(output))
    throw new SetupError('npm was not found on PATH. Install it (it comes with Node.js) and start again.');
  if (!ok)
    throw toSetupError({
      doing: 'installing node packages',
      from: 'the npm registry',
      folder: root,
      needs: NEEDS,
      output,
      log: logFile,
      offline,
    });
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(stampFile(root), JSON.stringify(stampFor(root)));
  log(`node packages are installed (${Math.round((Date.now() - since) / 1000)} s).`);
}

/** @param {string} root */
function stampFile(root) {
  return join(root, 'node_modules', '.xim-setup.json');
}

/** @param {string} root */
function stampFor(root) {
  return {
    lock: createHash('sha256')
      .update(readFileSync(join(root, 'package-lock.json')))
      .digest('hex'),
    node: process.versions.node.split('.')[0],
    platform: `${process.platform}-${process.arch}`,
  };
}

/**
 * Compares package-lock.json with node_modules/.package-lock.json (docs.npmjs.com/cli/configuring-npm/package-lock-json,
 * "hidden lockfiles"). Optional packages may be absent: they are for other platforms.
 *
 * @param {string} root
 */
function npmAgrees(root) {
  const installed = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (!installed) return false;
  /** @type {[string, { version?: string, integrity?: string, link?: boolean, optional?: boolean }][]} */
  const locked = Object.entries(readJson(join(root, 'package-lock.json')).packages);
  return locked.every(([path, entry]) => {
    if (path === '') return true;
    const there = installed[path];
    if (!there) return entry.optional === true;
    return there.version === entry.version && there.integrity === entry.integrity && there.link === entry.link;
  });
}

/** @param {string} file */
function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
