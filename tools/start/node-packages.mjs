import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { childEnvironment } from './child-environment.mjs';
import { freeBytes, isUnreached, SetupError, toSetupError } from './errors.mjs';
import { run } from './run.mjs';

/** 580 MB were measured; a lock file grows. */
const NEEDS = 640 * 2 ** 20;
/** With less than this left after an installation, the disk was most likely full during it. */
const SPARE = 8 * 2 ** 20;
const NO_NPM = 'npm was not found on PATH. Install it (it comes with Node.js) and start again.';

/**
 * Whether node_modules holds the packages of package-lock.json, for this Node and platform.
 *
 * @param {string} root
 */
export function nodePackagesCurrent(root) {
  const wanted = stampFor(root);
  const stamp = readJson(stampFile(root));
  if (stamp && (stamp.node !== wanted.node || stamp.platform !== wanted.platform)) return false;
  if (stamp?.lock === wanted.lock) return true;
  // npm was run by hand. Its record of installed packages, which it writes last, is as good as the record here.
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
  const fail = (/** @type {string} */ output) => {
    const doing = 'installing node packages';
    throw toSetupError({ doing, from: 'the npm registry', folder: root, needs: NEEDS, output, log: logFile, offline });
  };
  // Checked here, since npm leaves files out on a full disk and reports success.
  if (freeBytes(root) < NEEDS) fail('ENOSPC');
  const quiet = ['--loglevel=error', '--no-update-notifier'];
  const options = { cwd: root, env: childEnvironment(env), logFile };
  // Asked first, since without a network `npm ci` fails only after minutes. The cache of npm may be sufficient then.
  const ping = offline
    ? { ok: false, output: 'ENOTCACHED' }
    : await run('npm', ['ping', '--fetch-retries=0', ...quiet], options);
  if (/spawn npm ENOENT/.test(ping.output)) throw new SetupError(NO_NPM);
  const reached = ping.ok || !isUnreached(ping.output);
  const { ok, output } = await run(
    'npm',
    // tsx, which runs the services, is a development package: NODE_ENV=production must not leave it out.
    ['ci', '--include=dev', '--no-progress', reached ? '--prefer-offline' : '--offline', ...quiet],
    options,
  );
  if (!ok) fail(reached ? output : ping.output);
  if (freeBytes(root) < SPARE) fail('ENOSPC');
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
