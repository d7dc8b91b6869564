// `node tools/start/lock-wheels.mjs [--upgrade]` makes every lock of wheels anew from the .in file beside it:
// requirements.lock for running services, convert.lock and convert-xft.lock for the conversion of models.
// It needs uv on PATH (or its path in the variable UV), since pip cannot resolve for Pythons other than its own.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from './child-environment.mjs';
import { SetupError } from './errors.mjs';
import { conflicts, withoutWheelsOf } from './lock-entries.mjs';
import { engineLock } from './wheels.mjs';
import { enginesOf } from './workspace.mjs';

/**
 * @typedef {object} WheelList
 * @property {string} folder from the root
 * @property {string} name of the files: `<name>.in`, `<name>.lock`, `<name>.excluded.in`
 * @property {string[]} engines for an app: the engines whose environments get its wheels
 */

/**
 * Every list of wheels. Those of the engines come first, since those of the apps follow them.
 *
 * @param {string} root
 * @returns {WheelList[]}
 */
export function wheelLists(root) {
  const folders = [
    'tools/python',
    'tools/bench',
    ...readdirSync(join(root, 'libs')).map((lib) => `libs/${lib}/python`),
  ];
  /** @type {(folder: string, name: string) => boolean} */
  const asks = (folder, name) => existsSync(join(root, folder, `${name}.in`));
  return [
    ...folders.flatMap((folder) =>
      ['requirements', 'convert', 'convert-xft']
        .filter((name) => asks(folder, name))
        .map((name) => ({ folder, name, engines: /** @type {string[]} */ ([]) })),
    ),
    ...readdirSync(join(root, 'apps'))
      .filter((app) => asks(`apps/${app}`, 'requirements'))
      .map((app) => ({ folder: `apps/${app}`, name: 'requirements', engines: enginesOf(root, app) })),
  ];
}

/**
 * Locks one list. An app's list is resolved within the versions of its engine's lock, and holds only wheels that the
 * engine does not bring. Throws SetupError, with the names of the wheels, where it asks for other versions, or where
 * two engines of the app leave different wheels to it.
 *
 * @param {string} root
 * @param {WheelList} list
 * @param {readonly string[]} [more] further arguments of uv
 */
export function lockWheels(root, { folder, name, engines }, more = []) {
  const file = join(root, folder, `${name}.lock`);
  if (engines.length === 0) return compile(root, { folder, name, output: file }, more);
  const work = mkdtempSync(join(tmpdir(), 'xim-lock-'));
  try {
    const own = engines.map((engine) => {
      const output = join(work, `${engine}.lock`);
      // Versions that are locked already stay, unless it is told to upgrade.
      if (existsSync(file)) writeFileSync(output, readFileSync(file));
      compile(root, { folder, name, output, engine }, more);
      const lock = engineLock(root, engine);
      return withoutWheelsOf(readFileSync(output, 'utf8'), existsSync(lock) ? readFileSync(lock, 'utf8') : '');
    });
    const other = own.findIndex((text) => text !== own[0]);
    if (other > 0)
      throw new SetupError(
        `${folder}/${name}.in leads to other wheels on the engine ${engines[other]} than on ${engines[0]}: ` +
          `${conflicts(own[0] ?? '', own[other] ?? '').join(', ')}. One list serves all engines of a service: ` +
          'pin versions that fit all of them, or make a service per engine.',
      );
    writeFileSync(file, own[0] ?? '');
  } finally {
    rmSync(work, { recursive: true });
  }
}

/**
 * @param {string} root
 * @param {{ folder: string, name: string, output: string, engine?: string }} list
 * @param {readonly string[]} more
 */
function compile(root, { folder, name, output, engine }, more) {
  const lock = engine === undefined ? undefined : engineLock(root, engine);
  // uv asks the indexes of its settings (UV_INDEX, UV_FIND_LINKS), not of pip's. No option writes an index to the lock.
  const { status, stderr, error } = spawnSync(
    process.env.UV ?? 'uv',
    [
      ...['pip', 'compile', `${name}.in`, '--output-file', output, '--quiet'],
      ...['--universal', '--python-version', '3.10', '--no-python-downloads', '--only-binary', ':all:'],
      ...['--generate-hashes', '--no-annotate', '--custom-compile-command', 'node tools/start/lock-wheels.mjs'],
      // A separate list, since uv cannot tell an excluded dependency from a forgotten one.
      ...(existsSync(join(root, folder, `${name}.excluded.in`)) ? ['--excludes', `${name}.excluded.in`] : []),
      ...(lock !== undefined && existsSync(lock) ? ['--constraints', lock] : []),
      ...more,
    ],
    {
      cwd: join(root, folder),
      env: childEnvironment(process.env, {}, /^UV_/),
      stdio: ['ignore', 'inherit', 'pipe'],
      encoding: 'utf8',
    },
  );
  if (error)
    throw new SetupError(
      `uv could not be started (${error.message}). Install it (pip install uv), or name it: UV=/path/to/uv.`,
    );
  if (status === 0) return;
  const named = lock !== undefined && existsSync(lock) ? namedIn(stderr, readFileSync(lock, 'utf8')) : [];
  throw new SetupError(
    `${folder}/${name}.in could not be locked.\n${stderr.trim()}` +
      (named.length > 0
        ? `\nThe engine ${engine} brings ${named.join(', ')}: a service cannot have another version. ` +
          `Ask for what works with it, or change libs/engine-${engine}/python/requirements.in.`
        : ''),
  );
}

/**
 * The wheels of a lock, with their versions, that a message names.
 *
 * @param {string} message
 * @param {string} lock
 */
export function namedIn(message, lock) {
  const words = new Set(message.toLowerCase().match(/[a-z0-9][a-z0-9._-]*[a-z0-9]|[a-z0-9]/g));
  return [...lock.matchAll(/^([a-z0-9][\w.-]*)==([\w.+!]+)/gim)]
    .filter(([, name = '']) => words.has(name))
    .map(([, name, version]) => `${name} ${version}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
  try {
    for (const list of wheelLists(root)) {
      lockWheels(root, list, process.argv.slice(2));
      console.log(relative(root, join(root, list.folder, `${list.name}.lock`)));
    }
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
