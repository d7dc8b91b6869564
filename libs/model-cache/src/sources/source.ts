import type { Readable } from 'node:stream';
import type { ModelFile } from '@xim/engine';
import type { FileFacts } from '../hub/hub-listing.ts';
import type { Hub } from '../hub/hub-settings.ts';
import type { FetchProgress } from '../transfer/format-progress.ts';

/** The context that one run of `fetchArtifact` gives to its sources. */
export interface FetchRun {
  /**
   * A folder for unfinished files, on the file system of the cache. After a failed or killed run its files stay for the
   * next run; after the artifact is complete, the folder is deleted.
   */
  readonly partialFolder: string;
  /** The Python whose pip finds packages. */
  readonly python: string;
  readonly hub: Hub;
  readonly signal: AbortSignal | undefined;
  /** May be called as often as bytes arrive. */
  readonly report: (progress: FetchProgress) => void;
  /** Does `work` once per key and run: several files of an artifact may come out of one package. */
  readonly once: (key: string, work: () => Promise<string>) => Promise<string>;
  /** Deletes transferred files and the results of `once`, since they are wrong. */
  readonly discard: () => Promise<void>;
}

/** A kind of place that files come from: one value per scheme of a lock file's `sources`. */
export interface Source {
  /** The form of a reference, for messages. */
  readonly form: string;
  /** Whether `reference`, the part after `scheme:`, is well formed. Opens no connection. */
  accepts(reference: string): boolean;
  /**
   * The bytes of the file, whose size and sha256 the reader checks; or the path of a complete, checked file inside
   * `partialFolder`, which may be moved away. Rejects with a sentence that gives the reason; then the next source is
   * asked.
   */
  open(reference: string, file: ModelFile, run: FetchRun): Promise<Readable | { readonly path: string }>;
  /**
   * Whether the file is on this machine. Only a source that opens no connection and starts no process has this method;
   * it is asked offline too.
   */
  isHere?(reference: string): Promise<boolean>;
  /**
   * The size and checksum that this source states. Only a source that states checksums, and checks its content against
   * them, has this method. `path` is the path of the file in the model, for references without a path.
   */
  facts?(reference: string, path: string, run: FetchRun): Promise<FileFacts>;
}
