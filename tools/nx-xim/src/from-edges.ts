import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CreateDependencies, DependencyType, type ProjectConfiguration } from '@nx/devkit';
import { toName, toType } from './tags.ts';

/** Links a project to the base image that its Dockerfile builds on, so that a change of the image affects the project. */
export const createDependencies: CreateDependencies = (_options, { projects, workspaceRoot }) =>
  toFromEdges(projects, workspaceRoot);

type Projects = Readonly<Record<string, Pick<ProjectConfiguration, 'root'>>>;

export function toFromEdges(projects: Projects, workspaceRoot: string) {
  const images = new Map(
    Object.entries(projects).flatMap(([name, { root }]) => (toType(root) === 'image' ? [[toName(root), name]] : [])),
  );
  return Object.entries(projects).flatMap(([source, { root }]) => {
    const sourceFile = `${root}/Dockerfile`;
    const path = join(workspaceRoot, sourceFile);
    if (!existsSync(path)) return [];
    return baseImages(readFileSync(path, 'utf8'))
      .flatMap((image) => images.get(image) ?? [])
      .filter((target) => target !== source)
      .map((target) => ({ source, target, sourceFile, type: DependencyType.static }));
  });
}

/**
 * The images named `xim-…` that a Dockerfile starts from, whatever their registry, tag or digest: in a FROM line, or in
 * the default of an ARG that a FROM line takes.
 */
export function baseImages(dockerfile: string): string[] {
  const lines = dockerfile.split('\n').filter((line) => /^\s*(FROM|ARG)\s/i.test(line));
  return [...new Set(lines.flatMap((line) => /[\s/="'-](xim-[a-z0-9-]+)(?=$|[\s:@"'}])/.exec(line)?.[1] ?? []))];
}
