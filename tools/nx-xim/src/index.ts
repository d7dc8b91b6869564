import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CreateNodes, ProjectConfiguration } from '@nx/devkit';
import { toTags, toType } from './tags.ts';
import { toTargets } from './targets.ts';

export { createDependencies } from './from-edges.ts';

export const name = 'nx-xim';

/**
 * Makes each folder with a package.json a project, without a word of configuration in the folder. Only its name is not
 * ours to give: Nx takes it from package.json, after all plugins.
 */
export const createNodes: CreateNodes = [
  '{apps,libs,tools,xim}/*/package.json',
  (files, _options, { workspaceRoot }) =>
    files.map((file) => {
      const root = dirname(file);
      return [file, { projects: { [root]: toProject(root, workspaceRoot) } }] as const;
    }),
];

function toProject(root: string, workspaceRoot: string): Omit<ProjectConfiguration, 'root'> {
  return {
    projectType: toType(root) === 'app' ? 'application' : 'library',
    tags: toTags(root),
    targets: toTargets(root, (path) => existsSync(join(workspaceRoot, root, path))),
  };
}
