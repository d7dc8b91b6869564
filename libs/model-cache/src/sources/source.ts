import type { Readable } from 'node:stream';
import type { ModelFile } from '@xim/engine';
import type { FileFacts } from '../hub/hub-listing.ts';
import type { Hub } from '../hub/hub-settings.ts';
import type { FetchProgress } from '../transfer/format-progress.ts';

/** What one run of `fetchArtifact` gives to the sources that it asks. */
export interface FetchRun {
  /**
   * A folder for what is not finished, on the file system of the cache. What lies here when a run fails or is killed
   * is there for the next one; when the artifact is complete, the folder goes.
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
  /** Throws away what was transferred and what `once` remembers: it turned out wrong. */
  readonly discard: () => Promise<void>;
}

/** A kind of place that files come from: one value per scheme of a lock file's `sources`. */
export interface Source {
  /** How it is written, for messages. */
  readonly form: string;
  /** Whether `reference`, which is what follows `scheme:`, is well formed. Opens no connection. */
  accepts(reference: string): boolean;
  /**
   * The file's bytes, whose size and sha256 whoever reads them checks; or the path of a file inside `partialFolder`
   * that is the whole of it, was checked, and may be moved away. Rejects with a sentence that says why not; the next
   * source is asked then.
   */
  open(reference: string, file: ModelFile, run: FetchRun): Promise<Readable | { readonly path: string }>;
  /**
   * What the file is by this source's own word: only a source that states checksums, and checks what it gives against
   * them, has this method. `path` is the file's path in the model, for references that name none.
   */
  facts?(reference: string, path: string, run: FetchRun): Promise<FileFacts>;
}
