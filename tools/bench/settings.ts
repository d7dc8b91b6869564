export interface Settings {
  readonly clients: readonly number[];
  /** Of `CHAT_KINDS`, or `fairness`, or `stalls`. */
  readonly kinds: readonly string[];
  /** Folder of a language model instead of chat's own. */
  readonly model: string | undefined;
  /** Counted pairs of XIM and bare loop. */
  readonly pairs: number;
  /** Thread counts that the bare loop tries. */
  readonly threads: readonly number[];
  /** Interpreter with the engine's wheels. */
  readonly python: string;
  /** Environment of the services. */
  readonly env: Record<string, string>;
  /** The verified files of an app's main model. */
  modelFolder(app: string): Promise<string>;
}
