import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { XimError } from '@xim/engine';
import type { Host, ModelEntry, Profile } from '@xim/engine';
import { formatHost } from './format-host.ts';
import { formatPlan } from './format-plan.ts';
import { type LoadEngine, loadEngine } from './load-engine.ts';
import { numaCommands } from '../plan/numa.ts';
import { planFor } from '../plan/plan.ts';
import { readHost } from '../host/read-host.ts';

const help = `xim-plan: what this host offers, and what a service would take of it

  npx xim-plan [--models FILE [--role ROLE] [--engine NAME]] [--root FOLDER] [--json]

  --models FILE   a service's models.json: print the plan for it as well
  --role ROLE     which of its models (default: main)
  --engine NAME   plan for this engine's profile, instead of the first one whose instruction sets are here
  --root FOLDER   read a recorded host (a folder with proc and sys) instead of this machine
  --json          one JSON object instead of tables
  --help          this text

Exit code: 0 = printed, 1 = the model cannot run on this host, 2 = the call was wrong.`;

/** The call was wrong; the message says what to change. */
class UsageError extends Error {}

/** The program without the process: takes arguments, writes lines, resolves with the exit code. */
export async function run(
  args: readonly string[],
  write: { out(line: string): void; err(line: string): void },
  load: LoadEngine = loadEngine,
): Promise<number> {
  try {
    const { values } = parse(args);
    if (values.help) {
      write.out(help);
      return 0;
    }
    const host = readHost(values.root);
    const model = values.models === undefined ? undefined : readModel(values.models, values.role);
    const profile = model && chooseProfile(host, model, values.engine);
    const memory = model && profile && (await load(profile.engine)).memory(model, profile);
    const plan = model && memory && planFor({ host, model, memory });
    if (values.json) {
      write.out(JSON.stringify({ host, model: model?.id, engine: profile?.engine, plan }, null, 2));
      return 0;
    }
    write.out(formatHost(host));
    if (plan) write.out(`\n${model.id} on ${profile?.engine}\n${formatPlan(plan)}`);
    const commands = numaCommands(host);
    if (commands.length > 0) write.out(`\nOne container per NUMA node:\n${commands.join('\n')}`);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      write.err(`xim-plan: ${error.message}`);
      return 2;
    }
    if (!XimError.isInstance(error)) throw error;
    write.err(`xim-plan: ${error.message}`);
    return 1;
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        models: { type: 'string' },
        role: { type: 'string', default: 'main' },
        engine: { type: 'string' },
        root: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message} Try --help.`);
  }
}

/** Only what the plan needs is looked at: fetching and checking models is another package's work. */
function readModel(file: string, role: string): ModelEntry {
  let models: Record<string, ModelEntry | undefined>;
  try {
    models = (JSON.parse(readFileSync(file, 'utf8')) as { models?: typeof models } | null)?.models ?? {};
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as Error).message}`);
  }
  const model = models[role];
  if (!model) {
    const roles = Object.keys(models).join(', ') || 'none';
    throw new UsageError(`${file} has no model "${role}" (found: ${roles}). Name one with --role.`);
  }
  if (!model.task || !model.artifacts || !Array.isArray(model.profiles) || !model.shape) {
    throw new UsageError(
      `model "${role}" of ${file} lacks task, artifacts, profiles or shape; it is not a models.json entry.`,
    );
  }
  return model;
}

function chooseProfile(host: Host, model: ModelEntry, engine: string | undefined): Profile {
  const profiles = model.profiles.filter((profile) => engine === undefined || profile.engine === engine);
  if (profiles.length === 0) {
    const engines = [...new Set(model.profiles.map((profile) => profile.engine))].join(', ') || 'none';
    throw new UsageError(`${model.id} has no profile for "${engine}" (found: ${engines}).`);
  }
  const missing = (profile: Profile): string[] => profile.isa.filter((flag) => !host.isa.includes(flag));
  const profile = profiles.find((candidate) => missing(candidate).length === 0);
  if (profile) return profile;
  const lacks = profiles.map((candidate) => `${candidate.engine} needs ${missing(candidate).join(', ')}`).join('; ');
  throw new XimError(
    'XIM_NO_PROFILE',
    `${model.id} has no profile for this host: ${lacks}. Choose another model or host.`,
  );
}
