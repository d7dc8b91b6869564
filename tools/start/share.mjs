import { spawnSync } from 'node:child_process';

/** What a service shares with others on one host, by the setting that carries it. */
const SETTINGS = /** @type {const} */ ({ XIM_THREADS: 'threads', XIM_KV_CACHE_BYTES: 'kvCacheBytes' });

/**
 * Divides this host between services, as `xim-plan` does: alone, each would take all cores and all memory. A setting of
 * the user stays. The plan is for the services' own models: with another one (XIM_MODEL) only the cores are divided, and
 * each service plans its cache for the memory that is free at its start. Returns settings per service, in their order, or one sentence where they do not fit together.
 *
 * @param {string[]} names
 * @param {object} options
 * @param {string} options.cwd
 * @param {NodeJS.ProcessEnv} options.env
 * @returns {Record<string, string>[] | string}
 */
export function shareHost(names, { cwd, env }) {
  const program = ['--conditions=@xim/source', '--import', 'tsx', 'libs/host-plan/src/bin.ts'];
  const args = [...program, ...names, '--json', '--no-measure'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, env, encoding: 'utf8' });
  if (status !== 0) return stderr.trim() || 'The plan for these services could not be made.';
  /** @type {{ services: { plan: Record<string, unknown> }[] }} */
  const { services } = JSON.parse(stdout);
  const open = Object.entries(SETTINGS).filter(
    ([name, key]) => env[name] === undefined && !(key === 'kvCacheBytes' && env.XIM_MODEL),
  );
  return services.map(({ plan }) =>
    Object.fromEntries(open.flatMap(([name, key]) => (plan[key] ? [[name, `${plan[key]}`]] : []))),
  );
}
