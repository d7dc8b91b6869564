import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CreateNodes, ProjectConfiguration } from '@nx/devkit';
import { toName, toTags, toType } from './tags.ts';
import { toTargets } from './targets.ts';

export { createDependencies } from './from-edges.ts';

export const name = 'nx-xim';

/**
 * Makes each folder with a package.json a project, without a word of configuration in the folder; Nx takes its name from
 * package.json. A folder of tools is a project by its tsconfig.json alone: it is no package.
 */
export const createNodes: CreateNodes = [
  '{{apps,libs,tools,xim}/*/package.json,tools/*/tsconfig.json}',
  (files, _options, { workspaceRoot }) =>
    files.map((file) => {
      const root = dirname(file);
      return [file, { projects: { [root]: toProject(root, workspaceRoot) } }] as const;
    }),
];

function toProject(root: string, workspaceRoot: string): Omit<ProjectConfiguration, 'root'> {
  const has = (path: string) => existsSync(join(workspaceRoot, root, path));
  return {
    ...(!has('package.json') && { name: toName(root) }),
    projectType: toType(root) === 'app' ? 'application' : 'library',
    tags: toTags(root),
    targets: toTargets(root, has),
  };
}
