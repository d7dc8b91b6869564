import type { Send } from './client.ts';

export const TASK_NAMES = [
  'http',
  'models',
  'chat',
  'completions',
  'embeddings',
  'transcribe',
  'speak',
  'images',
  'tgi',
] as const;
export type TaskName = (typeof TASK_NAMES)[number];

/** What a check works with. */
export interface Context {
  readonly send: Send;
  /** The name of the model in requests. */
  readonly model: string;
  /** Whether a key was given: only then can wrong keys be told from right ones. */
  readonly keyed: boolean;
  /** Tasks whose route is there. */
  readonly present: ReadonlySet<TaskName>;
  /** The entry of the model in `/v1/models`; servers add fields of their own to it. */
  readonly entry: Readonly<Record<string, unknown>>;
  /**
   * Several checks look at the same answer: the first one asks for it, under a time limit of its own, and all get
   * what came of it.
   */
  shared<T>(key: string, make: (context: Context) => Promise<T>): Promise<T>;
}

export interface Check {
  /** `<task>.<aspect>…`; it never changes its meaning. */
  readonly id: string;
  /** The behaviour, as a sentence that is true of a good server. */
  readonly title: string;
  /** One sentence: which client breaks without it. */
  readonly why: string;
  /** Parameters that a server may refuse with a well-formed error that names one of them. Without it, it may not. */
  readonly mayRefuse?: readonly string[];
  /**
   * Resolves when the server behaves. Throws a MismatchError when it does not, a SkippedError when there is nothing to
   * look at. Sends a bounded number of requests, and may be run beside other checks.
   */
  run(context: Context): Promise<void>;
}

/** All checks of one task. */
export interface Task {
  readonly name: TaskName;
  /** A request that any server of this task answers with something else than 404 or 405; none is always there. */
  readonly probe?: { readonly path: string; readonly body?: unknown };
  readonly checks: readonly Check[];
}
