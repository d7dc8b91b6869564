import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { MismatchError } from './errors.ts';

const decoders: Readonly<Record<string, typeof gunzipSync>> = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync as typeof gunzipSync,
};

/** Decompresses a body. Throws a MismatchError for a broken body. */
export function decompress(bytes: Buffer, encoding: string | undefined, maxBytes: number): Buffer {
  const decode = encoding === undefined ? undefined : decoders[encoding];
  try {
    return decode && bytes.length > 0 ? decode(bytes, { maxOutputLength: maxBytes }) : bytes;
  } catch (error) {
    throw new MismatchError(`a body in its content-encoding, ${encoding}`, (error as Error).message, {
      name: 'body:content-encoding',
      sentence: 'a body is not in its content-encoding',
    });
  }
}

/** The text of a body; empty for an audio file. Throws a MismatchError for bytes that are not UTF-8. */
export function decodeText(plain: Buffer, mediaType: string | undefined): string {
  if (mediaType?.startsWith('audio/')) return '';
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain);
  } catch {
    throw new MismatchError('a body in UTF-8', `${plain.length} bytes that are not`, {
      name: 'body:utf-8',
      sentence: 'a body is not UTF-8',
    });
  }
}
