/** Where log lines go: a terminal, a file, a pipe. */
export interface LogTarget {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

type Fields = Readonly<Record<string, unknown>>;

/** Facts of every line that people do not need. */
const HIDDEN = new Set(['level', 'time', 'service', 'msg', 'requestId', 'traceId']);
const BAR = 24;

/**
 * Turns the lines of the JSON log into short ones for people. On a terminal progress is a bar, which the next line of
 * another kind replaces; elsewhere each step is a line.
 */
export function createTextLog(target: LogTarget): { write(line: string): void } {
  let drawn = false;
  const clear = (): void => {
    if (drawn) target.write('\r\u001b[K');
    drawn = false;
  };
  return {
    write(line) {
      const fields = JSON.parse(line) as Fields;
      if (fields['msg'] === 'progress' && target.isTTY === true) {
        target.write(`\r\u001b[K${formatProgress(fields).slice(0, Math.max(20, (target.columns || 80) - 1))}`);
        drawn = true;
        return;
      }
      clear();
      target.write(`${formatLine(fields)}\n`);
    },
  };
}

/** One line: time, level if it is a problem, the sentence, and its plain facts. */
export function formatLine(fields: Fields): string {
  const { time, level, msg } = fields;
  const clock = new Date(String(time)).toTimeString().slice(0, 8);
  const sentence =
    msg === 'request' ? formatRequest(fields) : msg === 'progress' ? formatProgress(fields) : withFacts(fields);
  const mark = level === 'info' ? '' : `${String(level)}: `;
  return `${clock} ${mark}${sentence}`;
}

function formatRequest({ method, route, status, durationMs, inputTokens, outputTokens, error }: Fields): string {
  const tokens = inputTokens === undefined ? '' : `, ${String(inputTokens)} tokens in, ${String(outputTokens)} out`;
  const failure = error === undefined ? '' : `, ${String(error)}`;
  const time = durationMs === undefined ? '' : ` in ${String(durationMs)} ms`;
  return `${String(method)} ${String(route)} ${String(status)}${time}${tokens}${failure}`;
}

function formatProgress({ step, percent }: Fields): string {
  if (typeof percent !== 'number') return `${String(step)} …`;
  const full = Math.round((Math.min(100, Math.max(0, percent)) / 100) * BAR);
  return `[${'#'.repeat(full)}${'-'.repeat(BAR - full)}] ${`${percent}`.padStart(3)} %  ${String(step)}`;
}

function withFacts(fields: Fields): string {
  const facts = Object.entries(fields).flatMap(([name, value]) => {
    if (HIDDEN.has(name) || value === null || value === undefined) return [];
    if (Array.isArray(value))
      return value.map((item) => `\n    ${typeof item === 'string' ? item : JSON.stringify(item)}`);
    return typeof value === 'object' ? [] : [` ${name}=${String(value)}`];
  });
  return `${String(fields['msg'])}${facts.join('')}`;
}
