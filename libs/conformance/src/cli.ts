import { writeFileSync } from 'node:fs';
import { type Config, readConfig, toRows } from './config.ts';
import { UnreachableError, UsageError } from './errors.ts';
import { formatReport, type Report } from './report.ts';
import { chooseChecks, runConformance } from './run.ts';
import { tasks } from './tasks.ts';

export interface CliEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  out(line: string): void;
  err(line: string): void;
}

/** The program without its process: reads arguments, writes lines, and resolves with the exit code. */
export async function runCli(args: readonly string[], { env, signal, out, err }: CliEnvironment): Promise<number> {
  try {
    const config = readConfig(args, env);
    if (config.help) return tell(out, formatHelp());
    if (config.list) return tell(out, formatList());
    const { only, tasks: named } = config;
    for (const id of only ?? [])
      if (chooseChecks({ only: [id], tasks: named }).length === 0) throw new UsageError(`--only: no check ${id}; --list prints them`); // prettier-ignore
    const report = await runConformance({ ...config, baseUrl: config.baseUrl!, signal });
    write(report, config, out);
    if (report.score.passed + report.score.refused === 0) {
      err('xim-conformance: nothing was checked; is this the base URL of a server of OpenAI’s or TGI’s API?');
      return 1;
    }
    return report.score.failed === 0 ? 0 : 1;
  } catch (error) {
    const { message } = error as Error;
    if (error instanceof UnreachableError) err(`xim-conformance: nothing answers there: ${message}`);
    else if (error instanceof UsageError) err(`xim-conformance: ${message}. Try --help.`);
    else if (signal.aborted) err('xim-conformance: interrupted');
    else throw error;
    return error instanceof UnreachableError ? 3 : error instanceof UsageError ? 2 : 1;
  }
}

function tell(out: (line: string) => void, text: string): number {
  out(text);
  return 0;
}

function write(report: Report, { json }: Config, out: (line: string) => void): void {
  const text = JSON.stringify(report, null, 2);
  if (json === '-') return out(text);
  out(formatReport(report));
  if (json === undefined) return;
  try {
    writeFileSync(json, `${text}\n`);
  } catch (error) {
    throw new UsageError(`--json: cannot write ${json}: ${(error as Error).message}`);
  }
}

export function formatHelp(): string {
  const rows = toRows();
  const width = (key: 'flag' | 'value') => Math.max(...rows.map((row) => row[key].length));
  const lines = rows.map(
    ({ flag, value, advice }) => `  ${flag.padEnd(width('flag'))}  ${value.padEnd(width('value'))}  ${advice}`,
  );
  return [
    'xim-conformance: scores any server with OpenAI’s or TGI’s API over HTTP',
    '',
    '  xim-conformance BASE-URL [options]',
    '',
    ...lines,
    '',
    'Exit codes: 0 = no check failed, 1 = a check failed, 2 = the command line is wrong, 3 = no server answers.',
  ].join('\n');
}

function formatList(): string {
  const width = Math.max(...chooseChecks({}).map(({ id }) => id.length));
  const sections = tasks.map(({ name, checks }) => {
    const lines = checks.map(({ id, title, why, mayRefuse }) => {
      const optional = mayRefuse ? ` (may be refused)` : '';
      return `  ${id.padEnd(width)}  ${title}${optional}\n  ${''.padEnd(width)}  ${why}`;
    });
    return [`${name} (${checks.length})`, ...lines].join('\n');
  });
  return sections.join('\n\n');
}
