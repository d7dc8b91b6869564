import { setMaxListeners } from 'node:events';
import type { Check, Context, TaskName } from './check.ts';
import { createSend, type Send } from './client.ts';
import { AcceptedError, MismatchError, RefusedError, SkippedError, UnreachableError } from './errors.ts';
import { examine, type Server } from './examine.ts';
import { type Kind, toAcceptedKind } from './kinds.ts';
import { type Report, type Result, toReport } from './report.ts';
import { taskOf, tasks } from './tasks.ts';

export interface RunOptions {
  /** `http://host:port`, with or without `/v1`. */
  readonly baseUrl: string;
  readonly apiKey?: string | undefined;
  /** Default: the first model that the server lists. */
  readonly model?: string | undefined;
  /** Tasks that must exist. Default: the tasks whose routes exist. */
  readonly tasks?: readonly TaskName[] | undefined;
  /** Ids of checks, or prefixes of ids up to a dot. */
  readonly only?: readonly string[] | undefined;
  /** Time limit of one check. */
  readonly timeoutSeconds: number;
  /** Number of checks that run at once. */
  readonly concurrency: number;
  readonly signal?: AbortSignal | undefined;
}

/** The checks that `only` and `tasks` select, in order. */
export function chooseChecks({ only, tasks: named }: Pick<RunOptions, 'only' | 'tasks'>): readonly Check[] {
  return tasks
    .filter(({ name }) => named === undefined || named.includes(name))
    .flatMap(({ checks }) => checks)
    .filter(({ id }) => only === undefined || only.some((one) => id === one || id.startsWith(`${one}.`)));
}

/**
 * Runs the chosen checks against a server. Throws an UnreachableError if no server answers, and the reason of `signal`
 * if it aborts. Any behaviour of the server is a result.
 */
export async function runConformance(options: RunOptions): Promise<Report> {
  const baseUrl = options.baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '');
  const limit = options.timeoutSeconds * 1000;
  const createLimitedSend = (): Send => {
    const signals = [AbortSignal.timeout(limit), ...(options.signal ? [options.signal] : [])];
    const own = AbortSignal.any(signals);
    setMaxListeners(0, own); // one listener for each open request
    return createSend({ baseUrl, apiKey: options.apiKey }, own);
  };
  const started = new Date();
  const server = await examine(createLimitedSend, options.model).catch((error: unknown) => {
    options.signal?.throwIfAborted();
    throw error;
  });
  const named = new Set(options.tasks ?? options.only?.map((id) => id.split('.')[0]));
  const answers = new Map<string, Promise<unknown>>();

  const createContext = (): Context => ({
    send: createLimitedSend(),
    model: server.model,
    entry: server.entry,
    present: server.present,
    keyed: options.apiKey !== undefined,
    shared<T>(key: string, make: (context: Context) => Promise<T>): Promise<T> {
      let answer = answers.get(key) as Promise<T> | undefined;
      if (!answer) {
        answer = make({ ...this, send: createLimitedSend() });
        answer.catch(() => {}); // the checks that await it get the error
        answers.set(key, answer);
      }
      return answer;
    },
  });

  const checks = chooseChecks(options);
  const results: Result[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < checks.length; at = next++) {
      const check = checks[at]!;
      const begin = performance.now();
      const verdict = await judge(check, server, named, createContext(), options);
      const { id, title, why } = check;
      results[at] = { id, task: taskOf(check), title, why, ...verdict, ms: Math.round(performance.now() - begin) };
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.concurrency, checks.length) }, work));
  return toReport({ baseUrl, model: server.model, started, results });
}

const kinds = {
  unreachable: { name: 'connection:refused', sentence: 'the server accepts no connection' },
  late: { name: 'answer:late', sentence: 'no answer comes within the time limit' },
} as const satisfies Record<string, Kind>;

type Verdict = Pick<Result, 'outcome' | 'expected' | 'found' | 'reason' | 'kind'>;

async function judge(
  check: Check,
  { present, probed }: Server,
  named: ReadonlySet<string | undefined>,
  context: Context,
  { timeoutSeconds, signal }: RunOptions,
): Promise<Verdict> {
  const task = taskOf(check);
  if (!present.has(task) && !named.has(task))
    return { outcome: 'skipped', reason: probed.get(task) ?? 'no such route' };
  try {
    await check.run(context);
    return { outcome: 'passed' };
  } catch (error) {
    signal?.throwIfAborted();
    return toVerdict(error, check, timeoutSeconds);
  }
}

function toVerdict(error: unknown, { id, title, mayRefuse = [] }: Check, timeoutSeconds: number): Verdict {
  const failed = (expected: string, found: string, kind?: Kind): Verdict => ({
    ...{ outcome: 'failed', expected, found },
    kind: kind ?? { name: id, sentence: `expected ${expected}` },
  });
  if (error instanceof SkippedError) return { outcome: 'skipped', reason: error.message };
  if (error instanceof RefusedError && mayRefuse.some((name) => error.names(name)))
    return { outcome: 'refused', reason: error.reason };
  if (error instanceof AcceptedError) return failed(error.expected, error.found, error.kind ?? toAcceptedKind(title));
  if (error instanceof MismatchError) return failed(error.expected, error.found, error.kind);
  if (error instanceof UnreachableError) return failed('a connection', error.message, kinds.unreachable);
  const { name, message } = error as Error;
  if (name === 'AbortError' || name === 'TimeoutError')
    return failed(`an answer within ${timeoutSeconds} s`, 'none', kinds.late);
  return failed('an answer that this check understands', message);
}
