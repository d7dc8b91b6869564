import { join } from 'node:path';
import { foldersWith } from './folders.mjs';
import { mypyCommand, pytestCommand, pythonFolders } from './python.mjs';

/**
 * @typedef {object} Command
 * @property {string} program
 * @property {string[]} args
 * @property {string} [cwd] instead of the root
 * @property {Record<string, string>} [env] beside the check's own
 * @property {string} [refuse] output that makes a failure of a success
 * @property {string} [report] file in which it tells the results of its tests
 *
 * @typedef {object} Step
 * @property {string} name
 * @property {Command[]} commands all are run, whatever becomes of one
 */

/**
 * What is checked, quick things first.
 *
 * @param {object} options
 * @param {string} options.root
 * @param {string} options.venvs folder with the engines' environments
 * @param {string} options.reports folder for reports
 * @returns {Step[]}
 */
export function toSteps({ root, venvs, reports }) {
  /** @type {(name: string, ...args: string[]) => Command} */
  const bin = (name, ...args) => ({ program: join(root, 'node_modules/.bin', name), args });
  /** @type {(...args: string[]) => Command} */
  const ruff = (...args) => ({ program: join(root, '.venv/dev/bin/ruff'), args });
  const tests = join(reports, 'vitest.json');
  const python = pythonFolders(root);
  return [
    { name: 'format', commands: [bin('prettier', '--check', '--log-level=warn', '.'), ruff('format', '--check', '.')] },
    {
      name: 'lint',
      commands: [
        // ESLint's rule on module boundaries reads the graph that Nx keeps, and lets everything pass without one.
        bin('nx', 'show', 'projects'),
        { ...bin('eslint', '--max-warnings=0', '.'), refuse: 'No cached ProjectGraph' },
        ruff('check', '.'),
      ],
    },
    {
      name: 'types',
      commands: [
        // One program for all libraries and apps: the sources of one package are imported by many.
        ...['.', ...foldersWith(root, 'tools', 'tsconfig.json')].map((path) => bin('tsc', '-p', path)),
        ...python.map((folder) => mypyCommand(root, folder)),
      ],
    },
    {
      name: 'packages',
      commands: [
        bin('nx', 'run-many', '-t', 'build', '--output-style=static'),
        ...foldersWith(root, 'libs', 'package.json').map((path) => bin('publint', 'run', path, '--strict')),
      ],
    },
    {
      name: 'tests',
      commands: [
        {
          ...bin(
            'vitest',
            ...['run', '--config=vitest.base.ts', `--outputFile.tally=${tests}`],
            ...['--reporter=default', '--reporter=./tools/testing/tally-reporter.ts'],
          ),
          report: tests,
        },
      ],
    },
    {
      name: 'python tests',
      commands: python.flatMap((folder) => {
        const report = join(reports, `${folder.name}.xml`);
        return folder.tested ? [pytestCommand(root, folder, { venvs, report })] : [];
      }),
    },
  ];
}
