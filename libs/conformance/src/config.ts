import { parseArgs } from 'node:util';
import { z } from 'zod';
import { TASK_NAMES } from './check.ts';
import { UsageError } from './errors.ts';

interface Setting {
  readonly flag: string;
  /** The name of the flag's value; a flag without a value is a switch. */
  readonly value?: string;
  /** An environment variable that replaces the flag. */
  readonly env?: string;
  /** Completes "expected …". */
  readonly expected: string;
  readonly advice: string;
}

const settings = z.registry<Setting>();

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);
const toggle = () => z.boolean().default(false);

/** The whole configuration: `--help` and the table in the README are printed from it. */
const configSchema = z.object({
  tasks: list
    .pipe(z.array(z.enum(TASK_NAMES)).min(1))
    .optional()
    .register(settings, {
      flag: 'tasks',
      value: 'LIST',
      expected: `some of ${TASK_NAMES.join(',')}`,
      advice: `Required tasks, of ${TASK_NAMES.join(',')}. Default: the tasks whose routes exist.`,
    }),
  model: z.string().min(1).optional().register(settings, {
    flag: 'model',
    value: 'NAME',
    expected: 'the name of a model',
    advice: 'The model in requests. Default: the first in /v1/models.',
  }),
  apiKey: z.string().min(1).optional().register(settings, {
    flag: 'api-key',
    value: 'KEY',
    env: 'XIM_CONFORMANCE_API_KEY',
    expected: 'a key',
    advice: 'Sent as "Authorization: Bearer …". With a key, the answers to wrong keys are checked too.',
  }),
  only: list.pipe(z.array(z.string()).min(1)).optional().register(settings, {
    flag: 'only',
    value: 'IDS',
    expected: 'ids of checks, as --list prints them',
    advice: 'Run only these checks; chat.stream selects all checks that begin with "chat.stream.".',
  }),
  json: z.string().min(1).optional().register(settings, {
    flag: 'json',
    value: 'FILE',
    expected: 'the path of a file, or -',
    advice: 'Write the report as JSON too; - writes it to standard output, instead of the table.',
  }),
  timeoutSeconds: z.coerce.number().positive().max(3600).default(120).register(settings, {
    flag: 'timeout',
    value: 'SECONDS',
    expected: 'seconds above 0, at most 3600',
    advice: 'Time limit of one check.',
  }),
  concurrency: z.coerce.number().int().min(1).max(64).default(2).register(settings, {
    flag: 'concurrency',
    value: 'NUMBER',
    expected: 'a whole number from 1 to 64',
    advice: 'Number of checks that run at once.',
  }),
  list: toggle().register(settings, { flag: 'list', expected: '', advice: 'Print the checks and their reasons.' }),
  help: toggle().register(settings, { flag: 'help', expected: '', advice: 'Print this help.' }),
});

export type Config = z.output<typeof configSchema> & { readonly baseUrl: string | undefined };

const entries = Object.entries(configSchema.shape).map(([key, schema]) => ({ key, schema, ...settings.get(schema)! }));

/** Reads the command line. Throws a UsageError for unknown, missing or wrong arguments. */
export function readConfig(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Config {
  const { values, positionals } = parse(args);
  const input: Record<string, unknown> = {};
  for (const { key, flag, env: name } of entries)
    input[key] = values[flag] ?? (name && env[name] ? env[name] : undefined);
  const parsed = configSchema.safeParse(input);
  if (!parsed.success) {
    const { flag, expected } = entries.find(({ key }) => key === parsed.error.issues[0]!.path[0])!;
    throw new UsageError(`--${flag}: expected ${expected}`);
  }
  const [baseUrl, ...more] = positionals;
  if (more.length > 0)
    throw new UsageError(`expected one base URL, found ${positionals.length}: ${positionals.join(' ')}`);
  if (baseUrl !== undefined && !isHttp(baseUrl))
    throw new UsageError(`expected a base URL such as http://127.0.0.1:8000, found ${baseUrl}`);
  if (baseUrl === undefined && !parsed.data.list && !parsed.data.help)
    throw new UsageError('expected a base URL such as http://127.0.0.1:8000');
  return { ...parsed.data, baseUrl };
}

function parse(args: readonly string[]) {
  const options = Object.fromEntries(
    entries.map(({ flag, value }) => [flag, { type: value ? ('string' as const) : ('boolean' as const) }]),
  );
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function isHttp(text: string): boolean {
  try {
    return /^https?:$/.test(new URL(text).protocol);
  } catch {
    return false;
  }
}

/** Flag, default and advice of each setting. */
export function toRows(): { flag: string; value: string; advice: string }[] {
  return entries.map(({ schema, flag, value, env, advice }) => {
    const fallback: unknown = schema.parse(undefined);
    return {
      flag: `--${flag}${value ? ` ${value}` : ''}`,
      value: typeof fallback === 'number' ? String(fallback) : env ? `$${env}` : '–',
      advice,
    };
  });
}
