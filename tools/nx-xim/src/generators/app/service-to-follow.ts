import { readJson, type Tree } from '@nx/devkit';
import type { TaskName } from '../tasks.ts';

/** The part of a models.json that matters here; the lock's own schema is model-cache's. */
export interface ModelsFile {
  readonly lockVersion: number;
  readonly models: Readonly<Record<string, ModelEntry>>;
}

export interface ModelEntry {
  readonly id: string;
  readonly task: string;
  readonly aliases?: readonly string[];
  readonly artifacts: Readonly<Record<string, unknown>>;
  readonly profiles: readonly { readonly engine: string; readonly artifact?: string }[];
}

/** The parts that a new service takes from an existing service of the same task. */
export interface ServiceToFollow {
  readonly models: ModelsFile;
  /** Names that @xim/server exports. */
  readonly routes: readonly string[];
  /** The command of its README. */
  readonly curl: string;
}

/**
 * The first service with the task; services whose model has a profile for the engine come first. The existing services
 * replace a list of the parts of each task, and conventions.test.ts checks their shape.
 */
export function findServiceToFollow(tree: Tree, task: TaskName, engine: string): ServiceToFollow | undefined {
  const services = tree
    .children('apps')
    .sort()
    .flatMap((app) => readService(tree, `apps/${app}`))
    .filter(({ models }) => models.models['main']?.task === task);
  return services.find(({ models }) => hasProfile(models, engine)) ?? services[0];
}

export function hasProfile({ models }: ModelsFile, engine: string): boolean {
  return models['main']?.profiles.some((profile) => profile.engine === engine) ?? false;
}

/** The file reduced to the profiles and artifacts of one engine. */
export function forEngine(file: ModelsFile, engine: string): ModelsFile {
  const models = Object.entries(file.models).map(([role, entry]) => {
    const profiles = entry.profiles.filter((profile) => profile.engine === engine);
    const used = new Set(profiles.map(({ artifact }) => artifact));
    const artifacts = Object.entries(entry.artifacts).filter(([name]) => used.has(name));
    // A model around the main one may be run by something else than the engine.
    if (role !== 'main' && profiles.length === 0) return [role, entry];
    return [role, { ...entry, artifacts: Object.fromEntries(artifacts), profiles }];
  });
  return { ...file, models: Object.fromEntries(models) };
}

function readService(tree: Tree, folder: string): ServiceToFollow[] {
  const app = tree.read(`${folder}/src/app.ts`, 'utf8');
  if (app === null || !tree.exists(`${folder}/models.json`)) return [];
  const imported = names(/import \{([^}]*)\} from '@xim\/server'/.exec(app)?.[1]);
  const readme = tree.read(`${folder}/README.md`, 'utf8') ?? '';
  return [
    {
      models: readJson<ModelsFile>(tree, `${folder}/models.json`),
      routes: names(/routes: \[([^\]]*)\]/.exec(app)?.[1]).filter((name) => imported.includes(name)),
      curl: /^curl [\s\S]*?(?=\n```)/m.exec(readme)?.[0] ?? '',
    },
  ];
}

function names(list = ''): string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
}
