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
 * @property {string} [report] file with the results of its tests
 *
 * @typedef {object} Step
 * @property {string} name
 * @property {Command} [before] the commands need its result
 * @property {Command[]} commands all are run, also after one has failed
 * @property {boolean} [together] the commands depend neither on each other nor on those of the neighbouring steps with
 *   this mark; all of them run at once, as many as there are CPUs
 */

/** Shell scripts. */
const SCRIPTS = ['.ci/run'];

/**
 * The steps of the check, quick steps first.
 *
 * @param {object} options
 * @param {string} options.root
 * @param {string} options.venvs folder with the engines' environments
 * @param {string} options.reports folder for reports
 * @param {Record<string, string>} options.containers the settings of the image targets
 * @returns {Step[]}
 */
export function toSteps({ root, venvs, reports, containers }) {
  /** @type {(name: string, ...args: string[]) => Command} */
  const bin = (name, ...args) => ({ program: join(root, 'node_modules/.bin', name), args });
  /** @type {(name: string, ...args: string[]) => Command} */
  const dev = (name, ...args) => ({ program: join(root, '.venv/dev/bin', name), args });
  /** @type {(...args: string[]) => Command} */
  const ruff = (...args) => dev('ruff', ...args);
  /** @type {(report: string, ...args: string[]) => Command} */
  const vitest = (report, ...args) => ({
    ...bin(
      'vitest',
      ...['run', '--config=vitest.base.ts', `--outputFile.tally=${join(reports, report)}`],
      ...['--reporter=default', '--reporter=./tools/vitest/tally-reporter.ts', ...args],
    ),
    report: join(reports, report),
  });
  const python = pythonFolders(root);
  const dockerfiles = ['apps', 'xim'].flatMap((area) =>
    foldersWith(root, area, 'Dockerfile').map((path) => `${path}/Dockerfile`),
  );
  return [
    {
      name: 'format',
      together: true,
      commands: [bin('prettier', '--check', '--log-level=warn', '.'), ruff('format', '--check', '.')],
    },
    {
      name: 'lint',
      together: true,
      // ESLint's rule on module boundaries reads the graph that Nx keeps, and lets everything pass without one.
      before: bin('nx', 'show', 'projects'),
      commands: [
        { ...bin('eslint', '--max-warnings=0', '.'), refuse: 'No cached ProjectGraph' },
        ruff('check', '.'),
        dev('hadolint', ...dockerfiles),
        dev('shellcheck', ...SCRIPTS),
      ],
    },
    {
      name: 'types',
      together: true,
      commands: [
        // One program for all libraries and apps: the sources of one package are imported by many.
        ...['.', ...foldersWith(root, 'tools', 'tsconfig.json')].map((path) => bin('tsc', '-p', path)),
        ...python.map((folder) => mypyCommand(root, folder)),
      ],
    },
    {
      name: 'packages',
      together: true,
      before: bin('nx', 'run-many', '-t', 'build', '--output-style=static'),
      commands: foldersWith(root, 'libs', 'package.json').map((path) => bin('publint', 'run', path, '--strict')),
    },
    {
      // The other steps run the same programs without Nx, each once for all folders. This one proves its targets.
      name: 'nx',
      commands: [
        bin(
          'nx',
          ...['run-many', '--targets=lint,typecheck,test,pytest', '--projects=@xim/tgi-schema,@xim/embedding'],
          '--output-style=static',
        ),
      ],
    },
    { name: 'tests', commands: [vitest('vitest.json', '--exclude=tools/images/e2e/**')] },
    {
      name: 'python tests',
      together: true,
      commands: python.flatMap((folder) => {
        const report = join(reports, `${folder.name}.xml`);
        return folder.tested ? [pytestCommand(root, folder, { venvs, report })] : [];
      }),
    },
    {
      // Last, and one file after the other: a container engine takes the whole machine.
      name: 'containers',
      commands: [{ ...vitest('containers.json', '--no-file-parallelism', 'tools/images/e2e'), env: containers }],
    },
  ];
}

/**
 * The steps in their order, where neighbours with the mark `together` are one group.
 *
 * @template {{ together?: boolean }} S
 * @param {readonly S[]} steps
 * @returns {S[][]}
 */
export function toGroups(steps) {
  /** @type {S[][]} */
  const groups = [];
  for (const step of steps) {
    const last = groups.at(-1);
    if (step.together && last?.[0]?.together) last.push(step);
    else groups.push([step]);
  }
  return groups;
}
