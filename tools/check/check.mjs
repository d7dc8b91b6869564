import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setup } from '../start/index.mjs';
import { foldersWith } from './folders.mjs';
import { lockFileProblems } from './lock-file.mjs';
import { runTogether } from './run-command.mjs';
import { toGroups, toSteps } from './steps.mjs';
import { add, closingLines, readTally } from './tally.mjs';

/** Commands at the same time. Each of them takes about a gigabyte of memory. */
const AT_ONCE = Math.min(availableParallelism(), 8);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Completes the set-up and runs every step. After a failed step the next steps run too.
 *
 * @param {string[]} only names of steps; all if empty
 * @returns {Promise<number>} exit code
 */
export async function check(only) {
  const problems = lockFileProblems(ROOT);
  for (const problem of problems) console.log(problem);

  // A failed set-up prints its reason and ends the process. Then too the last line has the form of a test runner.
  const stopped = () => console.log('\n0 passed, 1 failed, 0 skipped');
  process.once('exit', stopped);
  const { venvs, modelCache } = await setup({
    engines: foldersWith(ROOT, 'libs', 'python/requirements.lock').map((path) => path.replace('libs/engine-', '')),
    apps: foldersWith(ROOT, 'apps', 'requirements.lock').map((path) => path.replace('apps/', '')),
    models: foldersWith(ROOT, 'apps', 'models.json').map((path) => path.replace('apps/', '')),
    dev: true,
    log: (line) => console.log(line),
  });
  process.off('exit', stopped);

  const reports = mkdtempSync(join(tmpdir(), 'xim-check-'));
  process.once('exit', () => rmSync(reports, { recursive: true })); // also when a signal ends the check
  const steps = toSteps({ root: ROOT, venvs, reports, containers: containerSettings(process.env) });
  const unknown = only.find((name) => !steps.some((step) => step.name === name));
  if (unknown) {
    console.log(`There is no step "${unknown}"; there are: ${steps.map(({ name }) => name).join(', ')}.`);
    return 2;
  }
  const { tally, failed } = await runSteps(
    steps.filter(({ name }) => only.length === 0 || only.includes(name)),
    toEnvironment({ XIM_VENVS: venvs, XIM_MODEL_CACHE: modelCache }),
  );
  const { ok, lines } = closingLines(tally, [...(problems.length > 0 ? ['lock file'] : []), ...failed]);
  console.log(`\n${lines.join('\n')}`);
  return ok ? 0 : 1;
}

/**
 * @param {import('./steps.mjs').Step[]} steps
 * @param {NodeJS.ProcessEnv} env
 */
async function runSteps(steps, env) {
  /** @type {import('./tally.mjs').Tally} */
  const tally = { passed: 0, failed: [], skipped: [] };
  /** @type {string[]} */
  const failed = [];
  for (const group of toGroups(steps)) {
    console.log(`\n=== ${group.map(({ name }) => name).join(', ')}`);
    const since = Date.now();
    const atOnce = group.some(({ together }) => together) ? AT_ONCE : 1;
    const before = await runTogether(
      group.flatMap((step) => step.before ?? []),
      { cwd: ROOT, env, atOnce: 1 },
    );
    const results = await runTogether(
      group.flatMap(({ commands }) => commands),
      { cwd: ROOT, env, atOnce },
    );
    const time = `${((Date.now() - since) / 1000).toFixed(1)} s${group.length > 1 ? ' together' : ''}`;
    for (const step of group) {
      const all = [...(step.before ? [step.before] : []), ...step.commands];
      const ended = [...before.splice(0, step.before ? 1 : 0), ...results.splice(0, step.commands.length)];
      for (const { report } of all) if (report) add(tally, readTally(report));
      const ok = all.every((command, at) => isGood(command, ended[at]));
      console.log(`=== ${step.name}: ${ok ? 'ok' : 'FAILED'} (${time})`);
      if (!ok) failed.push(step.name);
    }
  }
  return { tally, failed };
}

/**
 * @param {import('./steps.mjs').Command} command
 * @param {{ code: number, output: string } | undefined} result
 */
function isGood({ refuse }, result) {
  return result?.code === 0 && !(refuse && result.output.includes(refuse));
}

/**
 * The environment of the user without the settings of services, since tests start services with settings of their own.
 *
 * @param {NodeJS.ProcessEnv} own
 * @returns {NodeJS.ProcessEnv}
 */
function toEnvironment(own) {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('XIM_'));
  return {
    ...Object.fromEntries(kept),
    ...{ NX_NO_CLOUD: 'true', NX_TUI: 'false', NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false' },
    ...own,
  };
}

/**
 * The settings of the image targets, which the tests of containers need.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {Record<string, string>}
 */
function containerSettings(env) {
  const names = /^XIM_(REGISTRY|DOCKER_\w+|SECOND_DOCKER_HOST)$/;
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value && names.test(name) ? [[name, value]] : [])),
  );
}
