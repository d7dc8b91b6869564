import type { Tree } from '@nx/devkit';
import { toName } from '../tags.ts';

const AREAS = ['apps', 'libs', 'tools', 'xim'];

/** Throws where the name is not one for a folder here: lower-case words with dashes between them. */
export function assertKebab(what: string, name: string): void {
  if (/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) && name.length <= 40) return;
  throw new Error(
    `"${name}" cannot be the name of ${what}. Give lower-case letters and digits, words joined by dashes, at most 40: my-embedder.`,
  );
}

/** Throws for the name of another part, since the name of a service is also its project, its image and its command. */
export function assertServiceName(name: string): void {
  assertKebab('a service', name);
  if (name.length < 3) throw new Error(`"${name}" is too short for the name of a service. Give at least 3 characters.`);
  const prefix = /^(engine|xim|app|image)-/.exec(name)?.[0];
  if (prefix)
    throw new Error(`"${name}" cannot be the name of a service: names with "${prefix}" are those of other parts.`);
}

/** Throws where the new folder exists, or where another folder is a project of the same name. */
export function assertFree(tree: Tree, root: string): void {
  if (tree.exists(root)) throw new Error(`${root} exists. Choose another name, or remove that folder first.`);
  const taken = AREAS.flatMap((area) => tree.children(area).map((folder) => `${area}/${folder}`)).find(
    (other) => toName(other) === toName(root),
  );
  if (taken) throw new Error(`The project "${toName(root)}" exists, in ${taken}. Choose another name.`);
}

/** The name of an engine's exported factory: `my-engine` → `myEngine`. */
export function toCamel(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The part of a Python package's name: `my-engine` → `my_engine`. */
export function toSnake(name: string): string {
  return name.replaceAll('-', '_');
}
