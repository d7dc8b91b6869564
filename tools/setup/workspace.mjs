import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} App
 * @property {string} name its folder in apps/
 * @property {string} description
 * @property {string[]} engines the engines that it depends on
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
      const { description = '', dependencies = {} } = JSON.parse(
        readFileSync(join(root, 'apps', name, 'package.json'), 'utf8'),
      );
      const engines = Object.keys(dependencies).flatMap(
        (dependency) => /^@xim\/engine-(.+)$/.exec(dependency)?.[1] ?? [],
      );
      return { name, description, engines };
    });
}
