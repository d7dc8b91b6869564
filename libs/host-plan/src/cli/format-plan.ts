import type { Plan } from '@xim/engine';

/** The plan for people: a line per decision, in aligned columns, no line break at the end. */
export function formatPlan(plan: Plan): string {
  return formatTable(plan.reasons.map(({ key, value, reason }) => [key, value, reason]));
}

/** Aligned columns, two blanks apart; the last one is as long as it is. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
