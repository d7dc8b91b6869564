import { join } from 'node:path';
import { formatFiles, generateFiles, type GeneratorCallback, type Tree } from '@nx/devkit';
import { assertFree, assertKebab, toCamel, toSnake } from '../names.ts';
import { addToLockFile } from '../npm-lock.ts';
import { isTask, type TaskName, TASKS } from '../tasks.ts';

export interface EngineOptions {
  readonly name: string;
  readonly tasks?: readonly string[];
}

/** Everything that the templates need. */
interface NewEngine {
  readonly name: string;
  readonly factory: string;
  /** Part of the Python package's name. */
  readonly snake: string;
  readonly tasks: readonly { readonly task: TaskName; readonly handler: string; readonly module: string }[];
}

/** Adds an engine: libs/engine-<name>, xim/<name> and their entries in package-lock.json, nothing else. */
export default async function engineGenerator(tree: Tree, options: EngineOptions): Promise<GeneratorCallback> {
  const engine = toNewEngine(tree, options);
  addFiles(tree, engine);
  await formatFiles(tree);
  return () => {
    addToLockFile(tree.root);
    console.log(toNextSteps(engine));
  };
}

function toNewEngine(tree: Tree, { name, tasks = ['embed'] }: EngineOptions): NewEngine {
  assertKebab('an engine', name);
  assertFree(tree, `libs/engine-${name}`);
  assertFree(tree, `xim/${name}`);
  const unknown = tasks.find((task) => !isTask(task));
  if (unknown !== undefined) throw new Error(`"${unknown}" is no task. The tasks are ${TASKS.join(', ')}.`);
  if (tasks.length === 0) throw new Error(`An engine needs a task: --tasks=embed. The tasks are ${TASKS.join(', ')}.`);
  return {
    ...{ name, factory: toCamel(name), snake: toSnake(name) },
    // In the order of the contract, each once.
    tasks: TASKS.filter((task) => tasks.includes(task)).map((task) => ({
      task,
      handler: task[0]!.toUpperCase() + task.slice(1),
      module: task.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    })),
  };
}

function addFiles(tree: Tree, engine: NewEngine): void {
  const values = { ...engine, tmpl: '' };
  const files = (folder: string, to: string) => generateFiles(tree, join(__dirname, 'files', folder), to, values);
  const library = `libs/engine-${engine.name}`;
  files('adapter', library);
  for (const { module } of engine.tasks) files(module.replace('_', '-'), library);
  files('base-image', `xim/${engine.name}`);
}

function toNextSteps({ name, snake }: NewEngine): string {
  const library = `libs/engine-${name}`;
  return [
    '',
    `${library} is an engine that computes nothing yet and passes the conformance suite; xim/${name} is its base image.`,
    'package-lock.json has their entries, as npm demands; no other file was changed.',
    'Next:',
    `  npx nx test engine-${name}    the suite`,
    `  ${library}/python/xim_engine_${snake}/    put the library to work in the handlers, one by one`,
    `  ${library}/python/requirements.in    name its wheels, then: node tools/start/lock-wheels.mjs`,
    `  npx nx g @xim/nx:app <name> --engine ${name} --models <models.json>    a service on it`,
  ].join('\n');
}
