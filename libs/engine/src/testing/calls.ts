import { setMaxListeners } from 'node:events';
import { beforeAll, afterAll } from 'vitest';
import { type CallOptions, DeadlineError, type Engine, type EngineInfo, type Task } from '../index.ts';
import { type JobWatch, watchJob } from './job-watch.ts';
import type { EngineSuite, EventOf, InputOf, TaskSamples } from './samples.ts';

/** An engine that a group of tests shares; it is ready in every test. */
export interface Shared {
  readonly engine: Engine;
  readonly info: EngineInfo;
}

/** Starts an engine before the group's tests and stops it after them; then nothing of it may be left. */
export function shareEngine(suite: EngineSuite, timeoutMs: number): Shared {
  let started: Shared | undefined;
  let watch: JobWatch;
  beforeAll(async () => {
    watch = watchJob();
    const engine = await suite.create();
    started = { engine, info: await engine.start() };
    watch.processes();
  }, timeoutMs);
  afterAll(async () => {
    await started?.engine.stop();
    await watch.expectNothingLeft();
  }, timeoutMs);
  const get = (): Shared => {
    if (started === undefined) throw new Error('The engine did not start.');
    return started;
  };
  return {
    get engine() {
      return get().engine;
    },
    get info() {
      return get().info;
    },
  };
}

export function tasksOf(suite: EngineSuite): Task[] {
  return Object.keys(suite.samples) as Task[];
}

export function samplesOf<T extends Task>(suite: EngineSuite, task: T): TaskSamples<T> {
  return suite.samples[task] as TaskSamples<T>;
}

export function isStreamed(task: Task): boolean {
  return task !== 'embed' && task !== 'rerank';
}

/** A call of any task as an iterable. A task that answers once has the one event `result`. */
export function open<T extends Task>(
  engine: Engine,
  task: T,
  input: InputOf[T],
  options: Partial<CallOptions> = {},
): AsyncIterable<EventOf[T]> {
  const call: CallOptions = { id: 'conformance', signal: new AbortController().signal, ...options };
  const method = engine[task]?.bind(engine) as ((input: InputOf[T], call: CallOptions) => unknown) | undefined;
  if (method === undefined) throw new Error(`The engine has no method "${task}", but there are samples for it.`);
  if (isStreamed(task)) return method(input, call) as AsyncIterable<EventOf[T]>;
  return (async function* () {
    yield { type: 'result', output: await method(input, call) } as EventOf[T];
  })();
}

export async function collect<E>(events: AsyncIterable<E>): Promise<E[]> {
  const all: E[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** A signal that aborts with `DeadlineError` after `ms` milliseconds; at once for 0. */
export function abortAfter(ms: number): AbortSignal {
  const abort = new AbortController();
  const end = (): void => abort.abort(new DeadlineError());
  if (ms === 0) end();
  else setTimeout(end, ms);
  return abort.signal;
}

/** A signal that many calls may share without Node's warning of a leak. */
export function sharedAbort(): AbortController {
  const abort = new AbortController();
  setMaxListeners(0, abort.signal);
  return abort;
}

/** Calls of the long sample, begun and not waited for. `settled` says how each ended, with its error or `done`. */
export function holdLong(engine: Engine, suite: EngineSuite, task: Task, count: number) {
  const abort = sharedAbort();
  const input = samplesOf(suite, task).long;
  let begun: () => void = () => undefined;
  const started = new Promise<void>((resolve) => (begun = resolve));
  const settled = Array.from({ length: count }, async () => {
    try {
      for await (const _ of open(engine, task, input, { signal: abort.signal })) begun();
      return 'done';
    } catch (error) {
      return error;
    }
  });
  return {
    /** The first of them sent an event (at once where the task has no events on its way). */
    started: isStreamed(task) ? started : Promise.resolve(),
    settled: Promise.all(settled),
    cancel: () => abort.abort(),
  };
}
