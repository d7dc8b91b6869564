import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The value of XIM_MODEL that the service can serve: the user's own, or the folder of its converted form. Progress goes
 * to the terminal. Undefined where the conversion failed, which is said there too.
 *
 * @param {string} app
 * @param {object} options
 * @param {string} options.cwd
 * @param {NodeJS.ProcessEnv} options.env
 * @param {string | undefined} options.convert XIM_CONVERT
 * @returns {string | undefined}
 */
export function readyModel(app, { cwd, env, convert }) {
  const model = /** @type {string} */ (env.XIM_MODEL);
  if (convert === '0') return model;
  const own = join(env.XIM_VENVS ?? '', 'oneapi', 'bin', 'python');
  const python = existsSync(own) ? ['--python', own] : [];
  const program = ['--conditions=@xim/source', '--import', 'tsx', 'libs/model-tools/src/bin.ts'];
  const args = [...program, 'ready', `apps/${app}/models.json`, '--model', model, ...python];
  const { status, stdout } = spawnSync(process.execPath, args, {
    ...{ cwd, env, encoding: 'utf8' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return status === 0 ? stdout.trim() : undefined;
}
