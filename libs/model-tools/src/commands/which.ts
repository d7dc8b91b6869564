import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type ModelEntry, type Plan, type Profile, XimError } from '@xim/engine';
import { formatBytes } from '@xim/model-cache';
import { childEnvironment, missingFiles, placeOf, userEnvironment } from '@xim/model-cache/internal';
import { type Command, type Context, forEachModel } from './command.ts';

export const which: Command = {
  summary: 'say which profile this host takes and why, and whether it fits',
  usage: `FILE… [--root FOLDER]

For every role: each profile with what this host lacks for it, the one that is taken, and the plan for it or what it
needs and does not get. The host is read by xim-plan. Exit code 1 when a model cannot run here.

  --root FOLDER      a recorded host (a folder with proc and sys) instead of this machine`,
  options: { root: { type: 'string' } },
  files: true,
  async run(context) {
    const { host } = await askPlan<{ host: { isa: string[] } }>([], context);
    return forEachModel(context, async ({ file, role, model }) => {
      context.say(`${role}: ${model.id}`);
      const profiles = [];
      for (const profile of model.profiles) {
        const missing = profile.isa.filter((isa) => !host.isa.includes(isa));
        profiles.push({ ...profile, missing, cached: await isCached(model, profile, context) });
      }
      const taken = profiles.find(({ missing }) => missing.length === 0);
      for (const profile of profiles) {
        const name = `${profile.engine}  ${profile.artifact ?? 'no files'}`;
        const needs = profile.isa.join(', ') || 'no instruction set in particular';
        const lacks = profile.missing.length > 0 ? `; this host lacks ${profile.missing.join(', ')}` : '';
        const state = profile.artifact === undefined ? '' : profile.cached ? '; in the cache' : '; not in the cache';
        context.say(`  ${profile === taken ? 'taken' : '-    '}  ${name}  needs ${needs}${lacks}${state}`);
      }
      if (!taken) {
        context.fail(
          `no profile of ${model.id} runs on this host; an engine or host with other instruction sets is needed`,
        );
        return { file, role, id: model.id, profiles, taken: undefined, fits: false };
      }
      const args = ['--models', file, '--role', role, '--engine', taken.engine];
      try {
        const { plan } = await askPlan<{ plan: Plan }>(args, context);
        context.say(`         fits: ${fitsLine(model, taken, plan)}`);
        return { file, role, id: model.id, profiles, taken: taken.engine, fits: true, plan };
      } catch (error) {
        if (!XimError.isInstance(error)) throw error;
        context.say(`         does not fit: ${error.message}`);
        context.fail(`${model.id} does not fit on this host`);
        return { file, role, id: model.id, profiles, taken: taken.engine, fits: false, reason: error.message };
      }
    });
  },
};

async function isCached(model: ModelEntry, { artifact }: Profile, { cacheDir }: Context): Promise<boolean> {
  if (artifact === undefined) return true;
  const files = model.artifacts[artifact]?.files ?? [];
  return (await missingFiles(placeOf(cacheDir, model, artifact, files))).length === 0;
}

function fitsLine(model: ModelEntry, { artifact }: Profile, plan: Plan): string {
  const files = artifact === undefined ? [] : (model.artifacts[artifact]?.files ?? []);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return `${formatBytes(bytes)} of files; ${plan.threads} threads, ${plan.slots} slots, ${formatBytes(plan.kvCacheBytes)} of key-value cache`;
}

/**
 * Asks the program xim-plan of the package host-plan, which knows hosts. A program and not an import: packages at this
 * level know only the contract. Rejects with its words as an `XimError`.
 */
async function askPlan<T>(args: readonly string[], { values, signal }: Context): Promise<T> {
  let program: string;
  try {
    const entry = fileURLToPath(import.meta.resolve('@xim/host-plan'));
    program = entry.replace(/index\.(ts|js)$/, 'bin.$1');
  } catch (cause) {
    const message =
      'the package @xim/host-plan, which reads the host, is not installed beside @xim/model-tools. In a clone run: npm start -- --help';
    throw new XimError('XIM_NO_PLAN', message, { cause });
  }
  const root = typeof values['root'] === 'string' ? ['--root', values['root']] : [];
  const command = [...process.execArgv, program, '--json', ...root, ...args];
  const env = childEnvironment(userEnvironment(), {}, /^(XIM|NODE)_/);
  return new Promise((resolve, reject) => {
    execFile(process.execPath, command, { env, signal, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout) as T);
      else
        reject(
          new XimError('XIM_NO_PLAN', stderr.trim().replace(/^xim-plan: (?:\[host-plan\] )?/, '') || error.message),
        );
    });
  });
}
