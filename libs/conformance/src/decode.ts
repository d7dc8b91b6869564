import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { MismatchError } from './errors.ts';

const decoders: Readonly<Record<string, typeof gunzipSync>> = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync as typeof gunzipSync,
};

/** The text of a body. Throws a MismatchError for a broken compression, or bytes that are not UTF-8. */
export function decodeAnswer(bytes: Buffer, encoding: string | undefined, maxBytes: number): string {
  const decode = encoding === undefined ? undefined : decoders[encoding];
  let plain: Buffer;
  try {
    plain = decode && bytes.length > 0 ? decode(bytes, { maxOutputLength: maxBytes }) : bytes;
  } catch (error) {
    throw new MismatchError(`a body in its content-encoding, ${encoding}`, (error as Error).message);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain);
  } catch {
    throw new MismatchError('a body in UTF-8', `${plain.length} bytes that are not`);
  }
}
