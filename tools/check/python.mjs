import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { appEnvironmentName, isInstalledOnDemand } from '../start/wheels.mjs';
import { enginesOf } from '../start/workspace.mjs';
import { foldersWith } from './folders.mjs';

/**
 * A folder with Python of this repository: `libs/<name>/python`, or an app with a handler.
 *
 * @typedef {object} PythonFolder
 * @property {string} name of the package
 * @property {string} path from the root
 * @property {string[]} files the type-checked files
 * @property {boolean} tested
 * @property {string[]} imports folders from the root with the packages of ours that it may import: a library the
 *   worker's and those of the tasks' runtimes, an app those of all engines
 * @property {string[]} environments folders of the environments whose wheels it needs
 */

/** Python that libraries may import: the worker's runtime, and the runtimes of tasks on top of it. */
const SHARED = ['worker', 'generation', 'embedding', 'audio', 'transcription', 'speech'].map(
  (name) => `libs/${name}/python`,
);

/**
 * @param {string} root
 * @returns {PythonFolder[]}
 */
export function pythonFolders(root) {
  const libraries = foldersWith(root, 'libs', 'python').filter((path) => hasPython(join(root, path, 'python')));
  return [
    ...libraries.map((path) => ({
      name: path.replace('libs/', ''),
      path: `${path}/python`,
      files: ['.'],
      tested: existsSync(join(root, path, 'python/tests')),
      imports: SHARED.filter((folder) => folder !== `${path}/python` && existsSync(join(root, folder))),
      environments: libraryEnvironments(root, path.replace(/^libs\/(engine-)?/, '')),
    })),
    ...foldersWith(root, 'apps', 'handler.py').map((path) => ({
      name: path.replace('apps/', ''),
      path,
      files: ['handler.py'],
      tested: existsSync(join(root, path, 'tests')),
      imports: libraries.map((library) => `${library}/python`),
      environments: environmentsOf(root, path.replace('apps/', '')),
    })),
  ];
}

/**
 * @param {string} root
 * @param {PythonFolder} folder
 * @returns {import('./steps.mjs').Command}
 */
export function mypyCommand(root, { name, path, files, imports }) {
  return {
    program: join(root, '.venv/dev/bin/mypy'),
    args: [`--config-file=${join(root, 'pyproject.toml')}`, `--cache-dir=${join(root, '.mypy_cache', name)}`, ...files],
    cwd: join(root, path),
    env: { MYPYPATH: toPath(root, imports) },
  };
}

/**
 * Tests run with the pytest of `.venv/dev` and, before it, the wheels of the engine.
 *
 * @param {string} root
 * @param {PythonFolder} folder
 * @param {{ venvs: string, report?: string }} options
 * @returns {import('./steps.mjs').Command}
 */
export function pytestCommand(root, { path, imports, environments }, { venvs, report }) {
  return {
    program: join(root, '.venv/dev/bin/python'),
    args: ['-m', 'pytest', '-q', ...(report ? [`--junit-xml=${report}`] : [])],
    cwd: join(root, path),
    // In the environment, not in pytest's settings: tests start programs of their own, which have to find the same.
    env: {
      PYTHONPATH: [toPath(root, [path, ...imports]), ...environments.flatMap((name) => wheels(venvs, name))].join(
        delimiter,
      ),
    },
    ...(report && { report }),
  };
}

/**
 * The tests of an engine whose wheels are installed on demand use a stand-in, on the wheels of the generation runtime.
 * Those of the converters need PyTorch and safetensors, which the engine ipex has, and CTranslate2; so do those of
 * Whisper in OpenVINO IR.
 *
 * @param {string} root
 * @param {string} name of the environment
 */
function libraryEnvironments(root, name) {
  if (name === 'model-tools') return ['ipex', 'transcription'];
  if (name === 'oneapi') return ['oneapi', 'transcription'];
  return isInstalledOnDemand(root, name) ? ['generation'] : [name];
}

/** @param {string} folder */
function hasPython(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).some((name) => name.endsWith('.py'));
}

/**
 * @param {string} root
 * @param {string} app
 */
function environmentsOf(root, app) {
  return enginesOf(root, app).map((engine) => appEnvironmentName(root, app, engine));
}

/**
 * @param {string} venvs
 * @param {string} environment
 */
function wheels(venvs, environment) {
  const lib = join(venvs, environment, 'lib');
  if (!existsSync(lib)) return [];
  return readdirSync(lib)
    .filter((name) => name.startsWith('python3'))
    .map((name) => join(lib, name, 'site-packages'));
}

/**
 * @param {string} root
 * @param {string[]} folders
 */
function toPath(root, folders) {
  return [...new Set(folders)].map((folder) => join(root, folder)).join(delimiter);
}
