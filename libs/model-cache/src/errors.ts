import { XimError } from '@xim/engine';

export interface ModelsFileProblem {
  /** Where in the file: `models.main.artifacts.q4_1.files[0].sha256`; empty for the file as a whole. */
  readonly path: string;
  /** From 1; absent when the file could not be read at all. */
  readonly line?: number | undefined;
  readonly message: string;
}

/** A `models.json` that cannot be read or is not one. Lists every problem, each with its place. */
export class ModelsFileError extends XimError {
  readonly file: string;
  readonly problems: readonly ModelsFileProblem[];

  constructor(file: string, problems: readonly ModelsFileProblem[], options?: ErrorOptions) {
    const lines = problems.map(({ path, line, message }) => {
      const place = line === undefined ? file : `${file}:${line}`;
      return path === '' ? `${place}: ${message}` : `${place}: ${path}: ${message}`;
    });
    super('XIM_MODELS_FILE', lines.join('\n'), options);
    this.file = file;
    this.problems = problems;
  }

  static override isInstance(error: unknown): error is ModelsFileError {
    return XimError.isInstance(error) && error.code === 'XIM_MODELS_FILE';
  }
}

/** A model's files could not be brought into the cache, which is as usable as before. */
export class ModelFetchError extends XimError {
  constructor(message: string, options?: ErrorOptions) {
    super('XIM_MODEL_FETCH', message, options);
  }

  static override isInstance(error: unknown): error is ModelFetchError {
    return XimError.isInstance(error) && error.code === 'XIM_MODEL_FETCH';
  }
}

/** A source delivered other content than the lock file states: another try of the same source is useless. */
export class WrongContentError extends ModelFetchError {}

/** The content runs code when it is read. */
export class PickleError extends WrongContentError {}

/** The disk cannot take the files: asking another source is useless. */
export class OutOfSpaceError extends ModelFetchError {}

interface DownloadFailure {
  readonly transient: boolean;
  readonly unreachable?: boolean | undefined;
  readonly retryAfter?: number | undefined;
  readonly status?: number | undefined;
  readonly reason?: string | undefined;
}

/** The transfer of one file over HTTP failed. Internal: `fetchArtifact` adds the text to its message. */
export class DownloadError extends ModelFetchError {
  /** Whether trying again may help. */
  readonly transient: boolean;
  /** No connection, or a connection that needs a proxy, a certificate or a login of pip's configuration. */
  readonly unreachable: boolean;
  /** Milliseconds that the server asked to wait. */
  readonly retryAfter: number | undefined;
  /** Of the answer, where there was one. */
  readonly status: number | undefined;
  /**
   * With a status, the hub's name of the fault (`GatedRepo`, `RepoNotFound`, `EntryNotFound`, `RevisionNotFound`),
   * else the code of the connection's failure (`ECONNREFUSED`, `SELF_SIGNED_CERT_IN_CHAIN`).
   */
  readonly reason: string | undefined;

  constructor(message: string, options: DownloadFailure & ErrorOptions) {
    super(message, options);
    this.transient = options.transient;
    this.unreachable = options.unreachable ?? false;
    this.retryAfter = options.retryAfter;
    this.status = options.status;
    this.reason = options.reason;
  }
}
