import { TASK_NAMES, type TaskName } from './check.ts';

/**
 * passed: as the API says. refused: an optional feature that the server openly refuses, by name; no failure. failed:
 * anything else. skipped: there was nothing to look at.
 */
export const OUTCOMES = ['passed', 'refused', 'failed', 'skipped'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface Result {
  readonly id: string;
  readonly task: TaskName;
  readonly title: string;
  readonly why: string;
  readonly outcome: Outcome;
  /** Of a failure. */
  readonly expected?: string;
  readonly found?: string;
  /** Of what was refused or skipped. */
  readonly reason?: string;
  readonly ms: number;
}

export interface Score extends Readonly<Record<Outcome, number>> {
  /** Whole percents, rounded down, of what passed or failed; null where nothing did either. */
  readonly percent: number | null;
}

/** What `--json` writes. Fields are added, never renamed, under the same `version`. */
export interface Report {
  readonly version: 1;
  readonly baseUrl: string;
  readonly model: string;
  readonly started: string;
  readonly score: Score;
  readonly scores: Readonly<Partial<Record<TaskName, Score>>>;
  readonly results: readonly Result[];
}

export function toReport(run: { baseUrl: string; model: string; started: Date; results: readonly Result[] }): Report {
  const { baseUrl, model, started, results } = run;
  const present = TASK_NAMES.filter((task) => results.some((result) => result.task === task));
  const scores = Object.fromEntries(
    present.map((task) => [task, toScore(results.filter((result) => result.task === task))]),
  );
  return { version: 1, baseUrl, model, started: started.toISOString(), score: toScore(results), scores, results };
}

function toScore(results: readonly Result[]): Score {
  const number = (outcome: Outcome) => results.filter((result) => result.outcome === outcome).length;
  const [passed, refused, failed, skipped] = OUTCOMES.map(number) as [number, number, number, number];
  const judged = passed + failed;
  return { passed, refused, failed, skipped, percent: judged === 0 ? null : Math.floor((100 * passed) / judged) };
}

/** A table per task, a line per check, and the scores. */
export function formatReport(report: Report): string {
  const { results, scores } = report;
  const width = Math.max(...results.map(({ id }) => id.length));
  const sections = (Object.keys(scores) as TaskName[]).map((task) => {
    const own = results.filter((result) => result.task === task);
    const [first] = own;
    // A task that is not there is one line.
    if (own.every(({ outcome, reason }) => outcome === 'skipped' && reason === first!.reason))
      return `${task}\n  skipped  ${own.length} checks: ${first!.reason}`;
    return [task, ...own.flatMap((result) => formatResult(result, width))].join('\n');
  });
  return [`${report.baseUrl}  model ${report.model}`, ...sections, formatScores(report)].join('\n\n');
}

function formatResult({ id, title, why, outcome, expected, found, reason }: Result, width: number): string[] {
  const word = outcome === 'failed' ? 'FAILED' : outcome;
  const more = Object.entries({ expected, found, reason, why: outcome === 'failed' ? why : undefined });
  return [
    `  ${word.padEnd(7)}  ${id.padEnd(width)}  ${title}`,
    ...more.flatMap(([name, text]) => (text === undefined ? [] : `           ${name.padEnd(8)}  ${text}`)),
  ];
}

function formatScores({ score, scores }: Report): string {
  const rows = [...Object.entries(scores), ['all', score] as const].map(([name, one]) => [
    name,
    ...OUTCOMES.map((outcome) => String(one[outcome])),
    one.percent === null ? '–' : `${one.percent} %`,
  ]);
  const table = [['task', ...OUTCOMES, 'score'], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  return table.map(line).join('\n');
}
