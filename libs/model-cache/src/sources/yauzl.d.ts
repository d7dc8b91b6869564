/** The used part of yauzl 3, which has no types. */
declare module 'yauzl' {
  import type { Readable } from 'node:stream';

  export interface Entry {
    readonly fileName: string;
    readonly uncompressedSize: number;
    /** The upper 16 bits are the Unix mode. */
    readonly externalFileAttributes: number;
    /** Not encrypted, and stored or deflated. */
    canDecodeFileData(): boolean;
  }

  export interface ZipFile {
    eachEntry(): AsyncIterable<Entry>;
    openReadStreamPromise(entry: Entry): Promise<Readable>;
    close(): void;
  }

  /** Refuses archives with absolute paths or `..` while their entries are read. */
  export function openPromise(path: string, options: { autoClose: boolean }): Promise<ZipFile>;
}
