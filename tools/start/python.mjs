import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { childEnvironment } from './child-environment.mjs';
import { SetupError } from './errors.mjs';

/** The plain name first: it is the choice of the user's system or of pyenv. */
const NAMES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'];
const OLDEST_MINOR = 10;

/** Debian and Ubuntu ship `venv` without `ensurepip`, which `python -m venv` needs, until python3-venv is installed. */
const PROBE = `import json, sys
try:
    import ensurepip, venv
    has_venv = True
except ImportError:
    has_venv = False
print(json.dumps({"version": list(sys.version_info[:3]), "hasVenv": has_venv}))`;

/**
 * @typedef {object} Python
 * @property {string} path
 * @property {string} version such as `3.11.7`
 */

/**
 * The first Python that can make an environment: XIM_PYTHON (a path, or a name on PATH), else one on PATH.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {Python}
 */
export function findPython(env) {
  const asked = env.XIM_PYTHON;
  /** @type {Python | undefined} */ let tooOld;
  /** @type {Python | undefined} */ let withoutVenv;
  for (const path of asked ? onPath(asked, env) : NAMES.flatMap((name) => onPath(name, env))) {
    const found = probe(path, env);
    if (!found) continue;
    const python = { path, version: found.version.join('.') };
    const [major = 0, minor = 0] = found.version;
    if (major < 3 || (major === 3 && minor < OLDEST_MINOR)) tooOld ??= python;
    else if (!found.hasVenv) withoutVenv ??= python;
    else return python;
  }
  const then = 'and start again (Debian, Ubuntu: apt-get install python3 python3-venv)';
  const orNamed = asked
    ? 'Correct XIM_PYTHON, or unset it'
    : 'XIM_PYTHON=/path/to/python3 names one that is not on PATH';
  if (withoutVenv)
    throw new SetupError(
      `Python ${withoutVenv.version} (${withoutVenv.path}) has no venv module. Install it ${then}. ${orNamed}.`,
    );
  if (tooOld)
    throw new SetupError(
      `Python ${tooOld.version} (${tooOld.path}) is too old. Install Python 3.10 or newer with its venv module ${then}. ${orNamed}.`,
    );
  if (asked) throw new SetupError(`XIM_PYTHON names "${asked}", which is no Python that runs. ${orNamed}.`);
  throw new SetupError(`No Python was found. Install Python 3.10 or newer with its venv module ${then}. ${orNamed}.`);
}

/**
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 */
function onPath(name, env) {
  const candidates =
    isAbsolute(name) || name.includes('/')
      ? [name]
      : (env.PATH ?? '')
          .split(delimiter)
          .filter(Boolean)
          .map((folder) => join(folder, name));
  return candidates.filter((path) => existsSync(path) && executable(path));
}

/** @param {string} path */
function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {string} path
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ version: number[], hasVenv: boolean } | undefined} undefined for a file that is no Python, such as a version manager's shim for a version it has not
 */
function probe(path, env) {
  const { status, stdout } = spawnSync(path, ['-I', '-c', PROBE], {
    env: childEnvironment(env),
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) return undefined;
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}
