import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The folders of an area of the workspace that have a file, such as `libs/engine` for `('libs', 'package.json')`.
 *
 * @param {string} root
 * @param {string} area
 * @param {string} file
 */
export function foldersWith(root, area, file) {
  return readdirSync(join(root, area))
    .filter((name) => existsSync(join(root, area, name, file)))
    .sort()
    .map((name) => `${area}/${name}`);
}
