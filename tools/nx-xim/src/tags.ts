export type ProjectType =
  'schema' | 'contract' | 'runtime' | 'program' | 'engine' | 'server' | 'app' | 'tool' | 'image' | 'outsider';

/** The kind of a folder, read from its path. eslint.config.mjs has the allowed dependencies between kinds. */
export function toType(root: string): ProjectType {
  const [area, folder = ''] = root.split('/');
  if (area === 'apps') return 'app';
  if (area === 'tools') return 'tool';
  if (area === 'xim') return 'image';
  if (folder.endsWith('-schema')) return 'schema';
  if (folder.startsWith('engine-')) return 'engine';
  if (folder === 'engine') return 'contract';
  if (folder === 'server') return 'server';
  if (folder === 'conformance') return 'outsider';
  if (folder === 'model-tools') return 'program';
  return 'runtime';
}

/** `name:` is for the few rules that mean one package of a type: an engine may use `worker`, and no other runtime. */
export function toTags(root: string): string[] {
  return [`type:${toType(root)}`, `name:${toName(root)}`];
}

/** The name of a project in `nx run <name>:build`: the folder, and for a base image the name of the image. */
export function toName(root: string): string {
  const folder = root.split('/').at(-1)!;
  return toType(root) === 'image' ? `xim-${folder}` : folder;
}
