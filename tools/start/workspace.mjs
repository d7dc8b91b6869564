import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} App
 * @property {string} name its folder in apps/
 * @property {string} description
 */

/**
 * The services of the workspace: the folders of apps/ that have something to start.
 *
 * @param {string} root
 * @returns {App[]}
 */
export function listApps(root) {
  return readdirSync(join(root, 'apps'))
    .filter((name) => existsSync(join(root, 'apps', name, 'src', 'main.ts')))
    .sort()
    .map((name) => {
      const { description = '' } = readPackage(root, name);
      return { name, description };
    });
}

/**
 * The engines that a service depends on, by their names.
 *
 * @param {string} root
 * @param {string} app its folder in apps/
 * @returns {string[]}
 */
export function enginesOf(root, app) {
  const { dependencies = {} } = readPackage(root, app);
  return Object.keys(dependencies).flatMap((dependency) => /^@xim\/engine-(.+)$/.exec(dependency)?.[1] ?? []);
}

/**
 * @param {string} root
 * @param {string} app
 */
function readPackage(root, app) {
  return JSON.parse(readFileSync(join(root, 'apps', app, 'package.json'), 'utf8'));
}
