import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fileBytes, type Host, type Plan, XimError } from '@xim/engine';
import { formatBytes } from '../bytes.ts';
import { type Estimate, estimate, formatEstimate } from '../estimate/estimate.ts';
import { measureHost } from '../estimate/measure-host.ts';
import { hostFiles } from '../host/host-files.ts';
import { readHost } from '../host/read-host.ts';
import { type HostSpeed, parseHost, parseSpeed, recordHost } from '../host/recording.ts';
import { containerCommand, numaCommands } from '../plan/numa.ts';
import { planFor } from '../plan/plan.ts';
import { shareHost } from '../plan/share-host.ts';
import { formatHost } from './format-host.ts';
import { formatPlan } from './format-plan.ts';
import { type LoadEngine, loadEngine } from './load-engine.ts';
import { chooseProfile, type PlannedService, readModel, toServiceFile, UsageError } from './services.ts';

const help = `xim-plan: the resources of this host, and the share that services would take of it

  npx xim-plan [SERVICE[=PART] ...] [options]
  npx xim-plan record [FILE]

  SERVICE         a folder of apps/, or the path of a models.json; several share the host, by equal parts
                  or by the parts that follow the names: xim-plan chat=3 embedding
  record          write the description of this host to FILE (default: standard output), for --host

  --host FILE     plan for the host of a recording, or of the output of --json
  --root FOLDER   plan for a recorded tree (a folder with proc and sys)
  --models FILE   the same as SERVICE, for the path of one models.json
  --role ROLE     which of its models (default: main)
  --engine NAME   plan for this engine, instead of the first that takes the host
  --no-measure    no estimate of speed: it measures memory and clock for about a second
  --json          one JSON object instead of tables
  --help          this text

Exit code: 0 = printed, 1 = a model cannot run on this host, 2 = the call was wrong.`;

interface Outcome {
  readonly service: PlannedService;
  readonly host: Host;
  readonly share?: string | undefined;
  readonly plan: Plan;
  readonly estimate?: Estimate | undefined;
}

interface Output {
  out(line: string): void;
  err(line: string): void;
}

/** The program without the process: takes arguments, writes lines, resolves with the exit code. */
export async function run(
  args: readonly string[],
  write: Output,
  load: LoadEngine = loadEngine,
  measure: (host: Host) => Promise<HostSpeed> = measureHost,
): Promise<number> {
  try {
    const { values, positionals } = parse(args);
    if (values.help) write.out(help);
    else if (positionals[0] === 'record') await record(positionals.slice(1), write, measure);
    else await print(values, positionals, { write, load, measure });
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

async function record(files: readonly string[], write: Output, measure: (host: Host) => Promise<HostSpeed>) {
  if (files.length > 1) throw new UsageError('"record" takes one file. Try --help.');
  const text = JSON.stringify({ ...recordHost(hostFiles('/')), speed: await measure(readHost()) }, null, 1);
  if (files[0] === undefined) write.out(text);
  else {
    writeFileSync(files[0], `${text}\n`);
    write.out(`The host is written to ${files[0]}: npx xim-plan --host ${files[0]}`);
  }
}

type Values = ReturnType<typeof parse>['values'];

async function print(
  values: Values,
  names: readonly string[],
  { write, load, measure }: { write: Output; load: LoadEngine; measure: (host: Host) => Promise<HostSpeed> },
): Promise<void> {
  const described = values.host === undefined ? undefined : readJson(values.host);
  const host = described === undefined ? readHost(values.root) : parseHost(described, values.host!);
  const services: PlannedService[] = [];
  for (const name of [...names, ...(values.models === undefined ? [] : [values.models])]) {
    const { file, ...service } = toServiceFile(name);
    const model = readModel(file, values.role);
    services.push({ ...service, model, ...(await chooseProfile(host, model, values.engine, load)) });
  }
  const plans = planAll(host, services);
  const here = values.host === undefined && values.root === undefined;
  const wanted = !values['no-measure'] && services.some(({ memory }) => memory.work !== undefined);
  const speed = parseSpeed(described) ?? (here && wanted ? await measure(host) : undefined);
  const outcomes = plans.map((one): Outcome => {
    const { model, memory } = one.service;
    return { ...one, estimate: speed && memory.work && estimate(model.task, memory.work, one.host, one.plan, speed) };
  });

  if (values.json) {
    const [first] = outcomes;
    const list = outcomes.map(({ service, host: share, ...rest }) => ({
      ...{ service: service.name, model: service.model.id, engine: service.profile.engine, ...rest },
      ...(outcomes.length > 1 && { host: share }),
    }));
    const one = { model: first?.service.model.id, engine: first?.service.profile.engine, plan: first?.plan };
    write.out(JSON.stringify({ host, speed, ...one, estimate: first?.estimate, services: list }, null, 2));
    return;
  }
  write.out(formatHost(host));
  for (const outcome of outcomes) write.out(`\n${formatOutcome(outcome)}`);
  if (outcomes.length > 1) {
    const commands = outcomes.map((one, at) => containerCommand(one.host, imageOf(one.service), 8000 + at));
    write.out(`\nOne container per service:\n${commands.join('\n')}`);
    return;
  }
  const commands = numaCommands(host, outcomes[0] && imageOf(outcomes[0].service));
  if (commands.length > 0) write.out(`\nOne container per NUMA node:\n${commands.join('\n')}`);
}

function planAll(host: Host, services: readonly PlannedService[]): Omit<Outcome, 'estimate'>[] {
  if (services.length < 2) {
    return services.map((service) => ({ service, host, plan: planFor({ host, ...service }) }));
  }
  const shares = shareHost(host, services);
  return services.map((service, at) => {
    const { host: share, reason } = shares[at]!;
    return { service, host: share, share: reason, plan: planFor({ host: share, ...service }) };
  });
}

const imageOf = ({ name }: PlannedService): string => `opea-xim/${name}`;

function formatOutcome({ service, share, plan, estimate: speed }: Outcome): string {
  const { model, profile } = service;
  const bytes = fileBytes(model, profile);
  const download = bytes > 0 ? `, ${formatBytes(bytes)} of files` : '';
  return [
    `${model.id} on ${profile.engine}${download}`,
    ...(share === undefined ? [] : [`share: ${share}`]),
    formatPlan(plan),
    ...(speed ? [`estimate      ${formatEstimate(speed)}, one call at a time: ${speed.basis}`] : []),
  ].join('\n');
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as Error).message}`);
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        host: { type: 'string' },
        models: { type: 'string' },
        role: { type: 'string', default: 'main' },
        engine: { type: 'string' },
        root: { type: 'string' },
        'no-measure': { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message} Try --help.`);
  }
}
