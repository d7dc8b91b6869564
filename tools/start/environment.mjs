import { createHash, randomBytes } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { childEnvironment } from './child-environment.mjs';
import { toSetupError } from './errors.mjs';
import { run, undoing } from './run.mjs';
import { PYTORCH_LIST } from './wheels.mjs';

/** 311 MB were seen for OpenVINO, and pip unpacks elsewhere first. */
const NEEDS = 700 * 2 ** 20;
/** 1.5 GB were seen for the engine on PyTorch, and pip unpacks elsewhere first. */
const PYTORCH_NEEDS = 3 * 2 ** 30;
const PYTORCH_INDEX = 'https://download.pytorch.org/whl/cpu';
const STAMP = '.xim-setup.json';
/** The folder of one build, and the link to it before its rename. */
const BUILD = /^\.(.+)-[0-9a-f]{8}-[0-9a-f]{6}(?:\.link)?$/;

/** @typedef {import('./wheels.mjs').Environment} Environment */

/**
 * Whether `<venvs>/<name>` was made from these locks, and its Python is still there. Starts no process.
 *
 * @param {string} venvs
 * @param {Environment} environment
 * @param {string | undefined} asked XIM_PYTHON
 */
export function environmentCurrent(venvs, { name, locks }, asked) {
  try {
    const stamp = JSON.parse(readFileSync(join(venvs, name, STAMP), 'utf8'));
    return (
      stamp.lock === hashOf(locks) &&
      // The real path of an interpreter ends in its version (python3.11): an upgrade of the system makes it another.
      stamp.interpreter === realpathSync(join(venvs, name, 'bin', 'python')) &&
      (!asked || stamp.asked === asked)
    );
  } catch {
    return false;
  }
}

/**
 * Makes the environment in a new folder and then points the symbolic link `<venvs>/<name>` at it in one rename: every
 * process sees the complete old or the complete new environment. (A renamed folder would break the scripts in its bin/,
 * whose first line names the path of the interpreter.)
 *
 * @param {Environment} environment
 * @param {object} options
 * @param {string} options.venvs
 * @param {import('./python.mjs').Python} options.python
 * @param {NodeJS.ProcessEnv} options.env
 * @param {string} options.logFile
 * @param {boolean} options.offline
 * @param {(line: string) => void} options.log
 */
export async function buildEnvironment({ name, locks }, { venvs, python, env, logFile, offline, log }) {
  const hashed = locks.filter((lock) => basename(lock) !== PYTORCH_LIST);
  const pytorch = locks.filter((lock) => basename(lock) === PYTORCH_LIST);
  const takes =
    pytorch.length > 0
      ? 'it brings PyTorch for CPUs, about 1.5 GB on the disk and some minutes the first time'
      : 'about a minute the first time';
  log(`installing the Python environment "${name}" with Python ${python.version} (${takes}) …`);
  const since = Date.now();
  mkdirSync(venvs, { recursive: true });
  const link = join(venvs, name);
  const before = targetOf(link);
  removeLeftovers(venvs, name, before);

  const hash = hashOf(locks);
  const folder = `.${name}-${hash.slice(0, 8)}-${randomBytes(3).toString('hex')}`;
  const path = join(venvs, folder);
  await undoing(
    () => rmSync(path, { recursive: true, force: true }),
    async () => {
      /** @type {(program: string, args: string[]) => Promise<void>} */
      const step = async (program, args) => {
        const { ok, output } = await run(program, args, {
          cwd: venvs,
          // A setting that sends packages to the user's own folder would leave the environment empty.
          env: childEnvironment(env, { PIP_USER: '0', ...(offline && { PIP_NO_INDEX: '1' }) }),
          logFile,
          onLine: (line) => void (/^\s*Downloading .* MB\)$/.test(line) && log(`  ${line.trim()}`)),
        });
        if (ok) return;
        const doing = `installing the Python environment "${name}"`;
        const from = 'the Python package index';
        const needs = pytorch.length > 0 ? PYTORCH_NEEDS : NEEDS;
        const of = { folder: venvs, needs, output, log: logFile, python: python.version, offline };
        throw toSetupError({ doing, from, ...of });
      };
      // -I: other packages of the user for this Python must not count as installed.
      await step(python.path, ['-I', '-m', 'venv', path]);
      // pip and not uv, which is faster: uv does not read the user's pip configuration (mirrors, local wheels, certificates).
      // pip byte-compiles installed files. Nothing is built from source: the lock has hashes of wheels only.
      // --retries: pip reports an unreachable index only before another try.
      const own = join(path, 'bin', 'python');
      const install = [
        ...['-I', '-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', '--retries=3'],
        ...['--only-binary=:all:', '--no-deps'],
      ];
      await step(own, [...install, '--require-hashes', ...hashed.flatMap((lock) => ['-r', lock])]);
      if (pytorch.length > 0) {
        const index = (await isPipConfigured(own, { cwd: venvs, env, logFile }))
          ? []
          : ['--extra-index-url', PYTORCH_INDEX];
        await step(own, [...install, ...index, ...pytorch.flatMap((list) => ['-r', list])]);
      }
      const interpreter = realpathSync(own);
      writeFileSync(join(path, STAMP), JSON.stringify({ lock: hash, interpreter, asked: env.XIM_PYTHON }));
    },
  );

  if (before === undefined) rmSync(link, { recursive: true, force: true });
  const next = join(venvs, `${folder}.link`);
  symlinkSync(folder, next);
  renameSync(next, link);
  // A link of the user to another place is replaced, and its target stays.
  if (before !== undefined && BUILD.test(before)) rmSync(join(venvs, before), { recursive: true, force: true });
  log(`the Python environment "${name}" is installed (${Math.round((Date.now() - since) / 1000)} s).`);
}

/**
 * Whether the user has configured the places of packages for pip (a mirror, local wheels). Then PyTorch is requested
 * there, and not at its own index.
 *
 * @param {string} python of an environment
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, logFile: string }} options
 */
async function isPipConfigured(python, { cwd, env, logFile }) {
  const { output } = await run(python, ['-I', '-m', 'pip', 'config', 'list'], {
    cwd,
    env: childEnvironment(env),
    logFile,
  });
  return /\b(?:index-url|find-links)\b/.test(output);
}

/** @param {string[]} locks */
function hashOf(locks) {
  const hash = createHash('sha256');
  for (const lock of locks) hash.update(readFileSync(lock));
  return hash.digest('hex');
}

/**
 * @param {string} link
 * @returns {string | undefined} undefined if it is not there, or not ours (a folder)
 */
function targetOf(link) {
  return lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(link) : undefined;
}

/**
 * Removes half-built folders of this name, which a killed set-up left.
 *
 * @param {string} venvs
 * @param {string} name
 * @param {string | undefined} inUse
 */
function removeLeftovers(venvs, name, inUse) {
  for (const entry of readdirSync(venvs)) {
    if (BUILD.exec(entry)?.[1] === name && entry !== inUse)
      rmSync(join(venvs, entry), { recursive: true, force: true });
  }
}
