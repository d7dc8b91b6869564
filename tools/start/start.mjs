import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setup } from './index.mjs';
import { ROOT } from './prepare.mjs';
import { readyModel } from './ready-model.mjs';
import { runServices } from './services.mjs';
import { shareHost } from './share.mjs';
import { listApps } from './workspace.mjs';

const DEFAULT_APP = 'chat';
const DEFAULT_PORT = 8000;

/** @param {string} line */
const log = (line) => console.error(`xim: ${line}`);

/**
 * `npm start [app …] [-- --help]`: completes the set-up, serves, and stops on a signal.
 *
 * @param {string[]} args
 * @returns {Promise<number>} exit code
 */
export async function start(args) {
  const apps = listApps(ROOT);
  const help = args.some((arg) => arg === '--help' || arg === '-h');
  const named = args.filter((arg) => arg !== '--help' && arg !== '-h');
  const wrong = whatIsWrong(named, apps);
  if (wrong) {
    console.error(`${wrong}\n\n${usage(apps)}`);
    return 2;
  }
  const names = named.length > 0 ? named : [DEFAULT_APP];
  if (help) console.log(`${usage(apps)}\n`);

  // The services fetch models: they need only the files of this host's profile, and show progress.
  const { venvs, modelCache } = await setup({ apps: help ? [] : names, models: [], dev: false, log });

  /** @type {NodeJS.ProcessEnv} */
  const env = { ...process.env, XIM_VENVS: venvs, XIM_MODEL_CACHE: modelCache };
  // Meant for the set-up alone; a service warns of variables that it does not know.
  delete env.XIM_PYTHON;
  delete env.XIM_CONVERT;
  // Several services write through this process, so none of them sees the terminal.
  if (names.length > 1 && process.stderr.isTTY) env.XIM_LOG_FORMAT ??= 'text';
  const [only, ...others] = names;
  if (env.XIM_MODEL && only !== undefined && others.length === 0 && !help) {
    const model = readyModel(only, { cwd: ROOT, env, convert: process.env.XIM_CONVERT });
    if (model === undefined) return 1;
    env.XIM_MODEL = model;
  }
  const shares = names.length > 1 && !help ? shareHost(names, { cwd: ROOT, env }) : [{}];
  if (typeof shares === 'string') {
    log(shares);
    return 1;
  }
  // --help prints the configuration, which is the same for all services: one service is enough.
  const services = (help ? names.slice(0, 1) : names).map((name, index) => ({
    name,
    args: [...toNodeArguments(name), ...(help ? ['--help'] : [])],
    env: { ...env, ...shares[index], XIM_PORT: toPort(process.env.XIM_PORT, index) },
  }));
  return runServices(services, { cwd: ROOT, log });
}

/**
 * The port of the service with this index, counted up from XIM_PORT. A value that is no port is passed on, since the
 * service reports its fault (and only the service can know that a port is in use).
 *
 * @param {string | undefined} first
 * @param {number} index
 */
export function toPort(first, index) {
  const port = Number(first || DEFAULT_PORT);
  return Number.isInteger(port) && port > 0 ? `${port + index}` : `${first}`;
}

/** @param {string} name */
function toNodeArguments(name) {
  const preload = pathToFileURL(join(import.meta.dirname, 'die-with-parent.mjs')).href;
  return ['--conditions=@xim/source', '--import', preload, '--import', 'tsx', `apps/${name}/src/main.ts`];
}

/**
 * @param {string[]} named
 * @param {import('./workspace.mjs').App[]} apps
 */
function whatIsWrong(named, apps) {
  const option = named.find((arg) => arg.startsWith('-'));
  if (option)
    return `There is no option "${option}": settings are environment variables, such as XIM_PORT=9000 npm start.`;
  const unknown = named.find((name) => !apps.some((app) => app.name === name));
  if (unknown !== undefined) return `There is no service "${unknown}".`;
  const twice = named.find((name, index) => named.indexOf(name) !== index);
  if (twice) return `The service "${twice}" is named twice.`;
}

/** @param {import('./workspace.mjs').App[]} apps */
function usage(apps) {
  const width = Math.max(...apps.map(({ name }) => name.length));
  return [
    `npm start [service …]     serves ${DEFAULT_APP}, or the services named, each at the next port; Ctrl-C ends them`,
    '                          several share the host by its plan; XIM_THREADS and XIM_KV_CACHE_BYTES go first',
    'npm start -- --help       prints this and the settings (the first time node packages are installed for it)',
    'XIM_PYTHON=… npm start   takes this Python for the engines’ environments, not the first one on PATH',
    'XIM_CONVERT=0 npm start  refuses a model of yours (XIM_MODEL) in safetensors, which is converted otherwise',
    '',
    'The services:',
    ...apps.map(({ name, description }) => `  ${name.padEnd(width)}  ${description}`),
  ].join('\n');
}
