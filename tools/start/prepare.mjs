import { accessSync, constants, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { withSetupLock } from './setup-lock.mjs';
import { buildEnvironment, environmentCurrent } from './environment.mjs';
import { SetupError, toSetupError } from './errors.mjs';
import { installNodePackages, nodePackagesCurrent } from './node-packages.mjs';
import { findPython } from './python.mjs';
import { interruptible, run } from './run.mjs';
import { appEnvironments, engineEnvironment, isInstalledOnDemand, toEnvironment } from './wheels.mjs';

export const ROOT = join(import.meta.dirname, '../..');

/**
 * The work of `setup` in index.mjs, with failures as SetupError.
 *
 * @param {object} options
 * @param {string[]} [options.apps]
 * @param {string[]} [options.engines]
 * @param {string[]} options.models
 * @param {boolean} options.dev
 * @param {string[]} [options.tools] folders of `tools/` whose requirements.lock is an environment of their own
 * @param {(line: string) => void} options.log
 * @param {string} [options.root] a workspace other than the one this file is in
 * @param {NodeJS.ProcessEnv} [options.env]
 */
export async function prepare({
  apps = [],
  engines = [],
  models,
  dev,
  tools = [],
  log,
  root = ROOT,
  env = process.env,
}) {
  const ownVenvs = join(root, '.venv');
  // The user makes the environments that XIM_VENVS names, except for a check of the repository, which uses its own.
  const theirVenvs = dev ? undefined : env.XIM_VENVS;
  const venvs = theirVenvs ? resolve(root, theirVenvs) : ownVenvs;
  const modelCache = env.XIM_MODEL_CACHE ? resolve(root, env.XIM_MODEL_CACHE) : join(root, '.model_cache');
  const offline = ['1', 'true'].includes(env.XIM_OFFLINE ?? '');
  const state = join(root, '.xim');
  const logFile = join(state, 'setup.log');

  const wanted = [
    ...(theirVenvs ? [] : apps.flatMap((app) => appEnvironments(root, app))),
    ...(theirVenvs ? [] : engines.map((engine) => engineEnvironment(root, engine))),
    ...tools.map((name) => toEnvironment(name, [join(root, 'tools', name, 'requirements.lock')])),
    ...(dev ? [toEnvironment('dev', [join(root, 'tools', 'python', 'requirements.lock')]), ...libraries(root)] : []),
  ];
  const environments = [...new Map(wanted.map((one) => [one.name, one])).values()].filter(
    ({ name, locks }) =>
      locks.length > 0 && (name === env.XIM_ENGINE || !isInstalledOnDemand(root, name.replace(/^.*@/, ''))),
  );
  const missing = () => environments.filter((one) => !environmentCurrent(ownVenvs, one, env.XIM_PYTHON));
  const waits = () => log('another start is setting up this folder; waiting for it …');

  return interruptible(log, async () => {
    try {
      if (!nodePackagesCurrent(root) || missing().length > 0)
        await withSetupLock(root, waits, async () => {
          // Asked again, since the other process may have done all steps.
          const toBuild = missing();
          const python = toBuild.length > 0 ? findPython(env) : undefined;
          accessSync(root, constants.W_OK);
          mkdirSync(state, { recursive: true });
          writeFileSync(logFile, '');
          if (!nodePackagesCurrent(root)) await installNodePackages({ root, env, logFile, offline, log });
          if (!python) return;
          for (const one of toBuild)
            await buildEnvironment(one, { venvs: ownVenvs, python, env, logFile, offline, log });
        });
      if (models.length > 0) {
        // An environment has pip; the Python it was made from may lack it.
        const [one] = environments;
        const python = one ? join(ownVenvs, one.name, 'bin', 'python') : 'python3';
        await fetchModels(models, { root, python, env: { ...env, XIM_MODEL_CACHE: modelCache } });
      }
    } catch (error) {
      // An errno is the machine's fault; anything else is a bug of the set-up, whose stack is worth seeing.
      if (!(error instanceof Error && 'errno' in error)) throw error;
      throw toSetupError({
        doing: 'setting up',
        from: 'this machine',
        folder: root,
        needs: 2 ** 30,
        output: String(error),
        log: logFile,
      });
    }
    return { venvs, modelCache };
  });
}

/**
 * The environments of libraries that are no engines but have wheels of their own: their tests run on them.
 *
 * @param {string} root
 */
function libraries(root) {
  return readdirSync(join(root, 'libs'))
    .filter((name) => !name.startsWith('engine-'))
    .map((name) => toEnvironment(name, [join(root, 'libs', name, 'python', 'requirements.lock')]));
}

/**
 * @param {string[]} apps
 * @param {{ root: string, python: string, env: NodeJS.ProcessEnv }} options
 */
async function fetchModels(apps, { root, python, env }) {
  const { ok } = await run(
    process.execPath,
    [
      ...['--conditions=@xim/source', '--import', 'tsx', 'libs/model-tools/src/bin.ts', 'pull'],
      ...['--python', python, ...apps.map((app) => `apps/${app}/models.json`)],
    ],
    { cwd: root, env },
  );
  if (!ok) throw new SetupError(`The models of ${apps.join(', ')} could not be fetched; the line above says why.`);
}
