/** `Profile.options` of the echo engine. */
export interface EchoOptions {
  /** Steps per second: of all running choices together, of batches, and of each file, speech or picture. 0 = as fast as possible. */
  readonly rate?: number;
  /** Seconds that loading takes. */
  readonly startDelay?: number;
  /** Tokens that prompt and output may have together. Default 4096. */
  readonly contextLength?: number;
  /** Elements of an embedding. Default 384. */
  readonly dimensions?: number;
  /** Processes of the job, started by a launcher when more than one. Default 1. */
  readonly ranks?: number;
  readonly faults?: EchoFaults;
}

/** Misbehaviour for tests. A token is whatever the task counts: tokens, texts, segments, pieces of audio, steps. */
export interface EchoFaults {
  readonly failStart?: 'permanent' | 'passing';
  /** The first so many calls fail with `EngineRequestError`. */
  readonly failCalls?: number;
  readonly dieAfterTokens?: number;
  /** How it dies: exit code (default 1), or a signal such as `SIGSEGV`. */
  readonly exitCode?: number;
  readonly signal?: string;
  /** Native code that never returns and keeps Python's lock. */
  readonly hangAfterTokens?: number;
}
