import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { enginesOf } from './workspace.mjs';

export const PYTORCH_LIST = 'requirements.pytorch.in';

/**
 * An environment of Python, and the lists of wheels that are installed into it.
 *
 * @typedef {object} Environment
 * @property {string} name its folder: the name of an engine, `<app>@<engine>`, or `dev`
 * @property {string[]} locks paths of requirements.lock files, together they name every wheel once; and of
 *   requirements.pytorch.in files, see `pytorchList`
 */

/**
 * @param {string} root
 * @param {string} engine
 * @returns {Environment} without locks if the engine needs no wheels
 */
export function engineEnvironment(root, engine) {
  return toEnvironment(engine, [engineLock(root, engine), pytorchList(root, engine)]);
}

/**
 * The environments of a service, one for each of its engines. A service with additional wheels has its own
 * environments, with the wheels of the engine and these.
 *
 * @param {string} root
 * @param {string} app its folder in apps/
 * @returns {Environment[]}
 */
export function appEnvironments(root, app) {
  const own = join(root, 'apps', app, 'requirements.lock');
  return enginesOf(root, app).map((engine) =>
    existsSync(own)
      ? toEnvironment(appEnvironmentName(root, app, engine), [engineLock(root, engine), own, pytorchList(root, engine)])
      : engineEnvironment(root, engine),
  );
}

/**
 * The folder name of the environment in which a service runs on an engine. The server looks for the same
 * (`toPython` of `libs/server`).
 *
 * @param {string} root
 * @param {string} app
 * @param {string} engine
 */
export function appEnvironmentName(root, app, engine) {
  return existsSync(join(root, 'apps', app, 'requirements.lock')) ? `${app}@${engine}` : engine;
}

/**
 * Whether the wheels of an engine are installed only where `XIM_ENGINE` names it: they take gigabytes, and few hosts run
 * them. Its package.json says so (`xim.install`).
 *
 * @param {string} root
 * @param {string} engine
 */
export function isInstalledOnDemand(root, engine) {
  const path = join(root, 'libs', `engine-${engine}`, 'package.json');
  return existsSync(path) && JSON.parse(readFileSync(path, 'utf8')).xim?.install === 'on-demand';
}

/**
 * @param {string} root
 * @param {string} engine
 */
export function engineLock(root, engine) {
  return join(root, 'libs', `engine-${engine}`, 'python', 'requirements.lock');
}

/**
 * An engine's wheels of PyTorch's own index, which has builds for CPUs alone; they are installed after the locks.
 *
 * @param {string} root
 * @param {string} engine
 */
export function pytorchList(root, engine) {
  return join(root, 'libs', `engine-${engine}`, 'python', PYTORCH_LIST);
}

/**
 * @param {string} name
 * @param {string[]} locks those that exist are taken
 * @returns {Environment}
 */
export function toEnvironment(name, locks) {
  return { name, locks: locks.filter((lock) => existsSync(lock)) };
}
