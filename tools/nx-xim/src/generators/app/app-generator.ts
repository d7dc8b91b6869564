import { join } from 'node:path';
import { formatFiles, generateFiles, type GeneratorCallback, readJson, type Tree } from '@nx/devkit';
import { selectPrompt } from '@nx/devkit/internal';
import { applicationGenerator } from '@nx/node';
import { assertFree, assertServiceName, toCamel } from '../names.ts';
import { addToLockFile } from '../npm-lock.ts';
import { GIVES, isTask, type TaskName, TASKS } from '../tasks.ts';
import { findServiceToFollow, forEngine, hasProfile, type ModelsFile } from './service-to-follow.ts';

export interface AppOptions {
  readonly name: string;
  /** Asked for where it is missing and there is a terminal. */
  readonly engine?: string;
  readonly task: string;
  /** Path of a models.json, from the root of the workspace. */
  readonly models?: string;
  /** Whether the service brings additional wheels. */
  readonly wheels?: boolean;
}

/** Everything that the templates need. */
interface NewApp {
  readonly name: string;
  readonly engine: string;
  /** The name that the engine's package exports. */
  readonly factory: string;
  readonly task: TaskName;
  readonly gives: string;
  /** Whether the service brings its own handler, since the engine has none for the task. */
  readonly ownHandler: boolean;
  readonly wheels: boolean;
  readonly routes: readonly string[];
  readonly curl: string;
  /** Whether the command posts JSON. */
  readonly postsJson: boolean;
  readonly model: ModelsFile['models'][string];
  readonly modelsJson: string;
}

/** Adds a service: a folder in apps/ and its entry in package-lock.json, nothing else. */
export default async function appGenerator(tree: Tree, options: AppOptions): Promise<GeneratorCallback> {
  const engine = options.engine ?? (await askForEngine(tree));
  const app = toNewApp(tree, { ...options, engine });
  await addNodeApplication(tree, app);
  addFiles(tree, app);
  await formatFiles(tree);
  return () => {
    addToLockFile(tree.root);
    console.log(toNextSteps(app));
  };
}

/** Schemas list choices that are known beforehand; the engines are the folders that exist. */
async function askForEngine(tree: Tree): Promise<string> {
  const engines = readEngines(tree);
  if (!process.stdin.isTTY) throw new Error(`Name the engine: --engine=<name>. There are: ${engines.join(', ')}.`);
  return selectPrompt({
    message: 'Which engine runs it?',
    choices: engines.map((value) => ({ value, hint: readTasks(tree, value).join(', ') })),
  });
}

function readEngines(tree: Tree): string[] {
  return tree
    .children('libs')
    .flatMap((folder) => /^engine-(.+)$/.exec(folder)?.[1] ?? [])
    .sort();
}

type Named = AppOptions & { readonly engine: string };

function toNewApp(tree: Tree, { name, engine, task, models: modelsPath, wheels = false }: Named): NewApp {
  assertServiceName(name);
  assertFree(tree, `apps/${name}`);
  if (!isTask(task)) throw new Error(`"${task}" is no task. The tasks are ${TASKS.join(', ')}.`);
  const handled = readTasks(tree, engine);

  const ownHandler = !handled.includes(task);
  const followed = findServiceToFollow(tree, task, engine);
  const models = modelsPath
    ? readModels(tree, modelsPath, task, engine)
    : ownHandler
      ? toUnwrittenModels(name, engine, task)
      : followed?.models;
  if (!models || !hasProfile(models, engine)) {
    throw new Error(
      `No service here has a model for the task ${task} on the engine "${engine}" yet. Name a file with one: --models=path/to/models.json.`,
    );
  }
  const { routes = [], curl = '' } = followed ?? {};
  const mine = forEngine(models, engine);
  const model = mine.models['main']!;
  return {
    ...{ name, engine, factory: toCamel(engine), task, gives: GIVES[task], ownHandler, wheels, routes, model },
    curl: toCurl(curl, model),
    postsJson: / -d '\{/.test(curl),
    modelsJson: JSON.stringify(mine, undefined, 2),
  };
}

/** The tasks that an engine has a handler for, as its package.json says. */
function readTasks(tree: Tree, engine: string): readonly string[] {
  const file = `libs/engine-${engine}/package.json`;
  if (tree.exists(file)) return readJson<{ xim?: { tasks?: string[] } }>(tree, file).xim?.tasks ?? [];
  throw new Error(
    `There is no engine "${engine}". There are: ${readEngines(tree).join(', ')}. A new one is made by: npx nx g @xim/nx:engine ${engine}.`,
  );
}

function readModels(tree: Tree, path: string, task: TaskName, engine: string): ModelsFile {
  if (!tree.exists(path)) throw new Error(`There is no ${path}. Give the path of a models.json, from the root.`);
  const models = readJson<ModelsFile>(tree, path);
  const main = models.models?.['main'];
  if (main?.task === task && hasProfile(models, engine)) return models;
  throw new Error(
    `${path} has no role "main" with the task ${task} and a profile for "${engine}". Add them, or name another file.`,
  );
}

/** An entry without files. With it the worker starts, runs the handler's load and reports the missing code. */
function toUnwrittenModels(name: string, engine: string, task: TaskName): ModelsFile {
  const unknown = { licence: 'NOASSERTION', created: 0, artifacts: {} };
  const main = { id: `xim/${name}`, task, ...unknown, profiles: [{ engine, isa: [] }], shape: {} };
  return { lockVersion: 1, models: { main } };
}

/** The command, with a name of this model. */
function toCurl(curl: string, { id, aliases = [] }: NewApp['model']): string {
  if (curl === '') return 'curl http://127.0.0.1:8000/v1/models';
  return curl.replace(/("model": ?"|model=)([^"\s]+)/, (whole, before: string, name: string) =>
    [id, ...aliases].includes(name) ? whole : `${before}${id}`,
  );
}

/** Files of the workspace that `@nx/node` writes: its dependencies, its defaults, an editor's debugger. */
const OUTSIDE = ['package.json', 'nx.json', 'tsconfig.base.json', '.prettierignore', '.vscode/launch.json'];

/**
 * The application of `@nx/node`: `src/main.ts`, `package.json` and `tsconfig.json`, which the templates then write anew.
 * Targets are inferred and dependencies are there, so nothing else of it stays.
 */
async function addNodeApplication(tree: Tree, { name }: NewApp): Promise<void> {
  const root = `apps/${name}`;
  const outside = OUTSIDE.map((file) => [file, tree.read(file)] as const);
  await applicationGenerator(tree, {
    ...{ directory: root, name, framework: 'none', bundler: 'esbuild', docker: false, useProjectJson: false },
    ...{ linter: 'none', unitTestRunner: 'none', e2eTestRunner: 'none', skipFormat: true, addPlugin: true },
  });
  for (const file of ['src/assets', 'tsconfig.app.json']) tree.delete(`${root}/${file}`);
  for (const [file, content] of outside) {
    if (content) tree.write(file, content);
    else tree.delete(file);
  }
}

function addFiles(tree: Tree, app: NewApp): void {
  const files = (folder: string) =>
    generateFiles(tree, join(__dirname, 'files', folder), `apps/${app.name}`, { ...app, tmpl: '' });
  files('service');
  if (app.wheels) files('wheels');
  if (!app.ownHandler) return files('engine-handler');
  files('own-handler');
  files(['generate', 'embed', 'rerank'].includes(app.task) ? `handler-${app.task}` : 'handler-call');
}

function toNextSteps({ name, task, ownHandler, wheels, routes }: NewApp): string {
  const folder = `apps/${name}`;
  const left: [string, string][] = [];
  if (ownHandler)
    left.push(
      [`${folder}/handler.py`, 'the handler; until then the service refuses to start and says so'],
      [`${folder}/models.json`, 'the model and its files (libs/model-cache)'],
    );
  if (wheels)
    left.push([`${folder}/requirements.in`, 'its wheels; node tools/start/lock-wheels.mjs locks them (needs uv)']);
  if (ownHandler && routes.length === 0)
    left.push([`${folder}/src/app.ts`, `its routes: no service here has the task ${task} yet`]);
  const next: [string, string][] = [
    [`npx nx test ${name}`, 'tests it over HTTP'],
    [`npm start ${name}`, 'serves it; its README has a curl line'],
    [`npx nx docker-build ${name}`, 'makes its image'],
  ];
  return [
    '',
    `${folder} is a service. package-lock.json has its entry, as npm demands; no other file was changed.`,
    ...(left.length > 0 ? ['Left to write:', ...toColumns(left)] : []),
    'Next:',
    ...toColumns(next),
  ].join('\n');
}

function toColumns(rows: readonly [string, string][]): string[] {
  const width = Math.max(...rows.map(([first]) => first.length));
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`);
}
