import { TASK_NAMES, type TaskName } from './check.ts';
import type { Kind } from './kinds.ts';

/**
 * passed: the server behaves as the API specifies. refused: the server refuses an optional feature by name, which is
 * not a failure. failed: any other behaviour. skipped: there was nothing to check.
 */
export const OUTCOMES = ['passed', 'refused', 'failed', 'skipped'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface Result {
  readonly id: string;
  readonly task: TaskName;
  readonly title: string;
  readonly why: string;
  readonly outcome: Outcome;
  /** Only for failed checks. */
  readonly expected?: string;
  readonly found?: string;
  readonly kind?: Kind;
  /** Only for refused and skipped checks. */
  readonly reason?: string;
  readonly ms: number;
}

export interface Score extends Readonly<Record<Outcome, number>> {
  /** Percentage of passed checks among the passed and failed checks, rounded down; null without such checks. */
  readonly percent: number | null;
  /** Number of different faults in the failed checks. */
  readonly kinds: number;
}

/** A fault of the server, and the checks that fail because of it. */
export interface Fault extends Kind {
  readonly checks: number;
  /** The first of these checks. */
  readonly example: { readonly id: string; readonly expected: string; readonly found: string };
}

/** The output of `--json`. Within one `version` fields are added, but never renamed. */
export interface Report {
  readonly version: 1;
  readonly baseUrl: string;
  readonly model: string;
  readonly started: string;
  readonly score: Score;
  readonly scores: Readonly<Partial<Record<TaskName, Score>>>;
  /** The faults of most checks first. */
  readonly faults: readonly Fault[];
  readonly results: readonly Result[];
}

export function toReport(run: { baseUrl: string; model: string; started: Date; results: readonly Result[] }): Report {
  const { baseUrl, model, started, results } = run;
  const present = TASK_NAMES.filter((task) => results.some((result) => result.task === task));
  const scores = Object.fromEntries(
    present.map((task) => [task, toScore(results.filter((result) => result.task === task))]),
  );
  const score = toScore(results);
  const faults = toFaults(results);
  return { version: 1, baseUrl, model, started: started.toISOString(), score, scores, faults, results };
}

function toScore(results: readonly Result[]): Score {
  const number = (outcome: Outcome) => results.filter((result) => result.outcome === outcome).length;
  const [passed, refused, failed, skipped] = OUTCOMES.map(number) as [number, number, number, number];
  const judged = passed + failed;
  const percent = judged === 0 ? null : Math.floor((100 * passed) / judged);
  return { passed, refused, failed, skipped, percent, kinds: toFaults(results).length };
}

function toFaults(results: readonly Result[]): Fault[] {
  const faults = new Map<string, Fault>();
  for (const { id, kind, expected = '', found = '' } of results) {
    if (!kind) continue;
    const { checks = 0, example = { id, expected, found } } = faults.get(kind.name) ?? {};
    faults.set(kind.name, { ...kind, checks: checks + 1, example });
  }
  return [...faults.values()].sort((a, b) => b.checks - a.checks);
}

/** Formats a table per task with a line per check, and the scores. */
export function formatReport(report: Report): string {
  const { results, scores } = report;
  const width = Math.max(...results.map(({ id }) => id.length));
  const sections = (Object.keys(scores) as TaskName[]).map((task) => {
    const own = results.filter((result) => result.task === task);
    const [first] = own;
    // A missing task has one line.
    if (own.every(({ outcome, reason }) => outcome === 'skipped' && reason === first!.reason))
      return `${task}\n  skipped  ${own.length} checks: ${first!.reason}`;
    return [task, ...own.flatMap((result) => formatResult(result, width))].join('\n');
  });
  const head = `${report.baseUrl}  model ${report.model}`;
  return [head, ...sections, ...formatFaults(report), formatScores(report)].join('\n\n');
}

function formatResult({ id, title, why, outcome, expected, found, reason }: Result, width: number): string[] {
  const word = outcome === 'failed' ? 'FAILED' : outcome;
  const more = Object.entries({ expected, found, reason, why: outcome === 'failed' ? why : undefined });
  return [
    `  ${word.padEnd(7)}  ${id.padEnd(width)}  ${title}`,
    ...more.flatMap(([name, text]) => (text === undefined ? [] : `           ${name.padEnd(8)}  ${text}`)),
  ];
}

function formatFaults({ faults }: Report): string[] {
  if (faults.length === 0) return [];
  const counts = faults.map(({ checks }) => `${checks} ${checks === 1 ? 'check' : 'checks'}`);
  const [first, second] = [counts, faults.map(({ name }) => name)].map((all) => Math.max(...all.map((one) => one.length))) as [number, number]; // prettier-ignore
  const lines = faults.flatMap(({ name, sentence, example: { id, expected, found } }, i) => [
    `  ${counts[i]!.padEnd(first)}  ${name.padEnd(second)}  ${sentence}`,
    `  ${''.padEnd(first)}  example  ${id}: expected ${expected}; found ${found}`,
  ]);
  return [[`kinds of faults (${faults.length})`, ...lines].join('\n')];
}

function formatScores({ score, scores }: Report): string {
  const rows = [...Object.entries(scores), ['all', score] as const].map(([name, one]) => [
    name,
    ...OUTCOMES.map((outcome) => String(one[outcome])),
    one.percent === null ? '–' : `${one.percent} %`,
    String(one.kinds),
  ]);
  const table = [['task', ...OUTCOMES, 'score', 'kinds of faults'], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  return table.map(line).join('\n');
}
