import type { Send } from './client.ts';

export const TASK_NAMES = [
  'http',
  'models',
  'chat',
  'completions',
  'responses',
  'messages',
  'embeddings',
  'rerank',
  'transcribe',
  'speak',
  'images',
  'tgi',
] as const;
export type TaskName = (typeof TASK_NAMES)[number];

/** The environment of a check. */
export interface Context {
  readonly send: Send;
  /** The name of the model in requests. */
  readonly model: string;
  /** Whether a key was given. Without a key there are no wrong keys to check. */
  readonly keyed: boolean;
  /** Tasks whose routes exist. */
  readonly present: ReadonlySet<TaskName>;
  /** The entry of the model in `/v1/models`; servers may add fields. */
  readonly entry: Readonly<Record<string, unknown>>;
  /**
   * An answer that several checks use. The first check requests it, with a separate time limit, and all checks get the
   * same result or error.
   */
  shared<T>(key: string, make: (context: Context) => Promise<T>): Promise<T>;
}

export interface Check {
  /** `<task>.<aspect>…`; its meaning never changes. */
  readonly id: string;
  /** The behaviour, as a sentence that is true for a correct server. */
  readonly title: string;
  /** The reason: a client that fails without this behaviour. */
  readonly why: string;
  /** Parameters that a server may refuse with a well-formed error that names one of them. Default: none. */
  readonly mayRefuse?: readonly string[];
  /**
   * Resolves if the server behaves correctly. Throws a MismatchError if it does not, and a SkippedError if there is
   * nothing to check. Sends a limited number of requests, and may run at the same time as other checks.
   */
  run(context: Context): Promise<void>;
}

/** All checks of one task. */
export interface Task {
  readonly name: TaskName;
  /** A request that a server with this task does not answer with 404 or 405. A task without a probe always exists. */
  readonly probe?: { readonly path: string; readonly body?: unknown };
  readonly checks: readonly Check[];
}
