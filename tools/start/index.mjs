import { checkMachine } from './machine.mjs';

/**
 * Completes the set-up for a script of this repository: node packages, the engines' Python environments, models. A
 * complete set-up costs a few file reads. It needs Node's built-in modules only, and several processes may call it at
 * once. A failure is printed as one sentence and **ends the process** with exit code 1; a signal ends it with 128 + the
 * number of the signal.
 *
 * @param {object} options
 * @param {string[]} [options.apps] apps whose environments are needed: those of their engines, or their own
 * @param {string[]} [options.engines] further engines; one without python/requirements.lock needs no environment
 * @param {string[]} options.models apps whose models.json is fetched
 * @param {boolean} options.dev also the tools that check Python (`.venv/dev`)
 * @param {string[]} [options.tools] folders of `tools/` whose requirements.lock is an environment of their own
 * @param {(line: string) => void} options.log gets a line per step
 * @returns {Promise<{ venvs: string, modelCache: string }>} folders for XIM_VENVS (with `dev` always the repository's) and XIM_MODEL_CACHE: the user's own if those are set
 */
export async function setup(options) {
  checkMachine();
  const { prepare } = await import('./prepare.mjs');
  const { SetupError } = await import('./errors.mjs');
  try {
    return await prepare(options);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    options.log(error.message);
    process.exit(1);
  }
}
