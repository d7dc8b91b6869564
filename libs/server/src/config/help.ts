import { configSchema } from './config.ts';
import { settings } from './settings.ts';

interface Row {
  readonly env: string;
  readonly value: string;
  readonly advice: string;
}

function rows(): Row[] {
  return Object.values(configSchema.shape).map((schema) => {
    const { env, advice, shown } = settings.get(schema)!;
    // A key without a default of its own, or one that is worked out from several variables, has none here.
    const value: unknown = schema.safeParse(undefined).data;
    const empty = value === undefined || (Array.isArray(value) && value.length === 0);
    return { env, advice, value: shown ?? (empty ? '–' : value === false ? '0' : String(value)) };
  });
}

/** The text of `--help`. */
export function formatHelp(service: string): string {
  const all = rows();
  const name = Math.max(...all.map((row) => row.env.length));
  const value = Math.max(...all.map((row) => row.value.length));
  const lines = all.map((row) => `  ${row.env.padEnd(name)}  ${row.value.padEnd(value)}  ${row.advice}`);
  return [
    `${service}: a XIM service. It takes no arguments; environment variables, with their defaults:`,
    '',
    ...lines,
    '',
  ].join('\n');
}

/** The same table for docs/settings.md, in aligned columns. */
export function formatMarkdown(): string {
  const cells = rows().map((row) => [`\`${row.env}\``, row.value, row.advice]);
  const table = [['variable', 'default', 'meaning'], ...cells];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]!.length)));
  const [head, ...body] = table.map((row) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [head, rule, ...body, ''].join('\n');
}
