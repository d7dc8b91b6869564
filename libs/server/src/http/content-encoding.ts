import type { Readable } from 'node:stream';
import { PassThrough, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { errorCodes, type FastifyRequest, type RequestPayload } from 'fastify';
import fp from 'fastify-plugin';
import { MalformedBodyError, UnsupportedMediaTypeError } from '../errors/errors.ts';

type Decoder = () => Transform;

// Node has zstd from 22.15 on; the types are those of the oldest version that this package runs on.
const { createZstdDecompress } = zlib as { createZstdDecompress?: Decoder };

const decoders: Readonly<Record<string, Decoder>> = {
  gzip: () => zlib.createGunzip(),
  'x-gzip': () => zlib.createGunzip(),
  deflate: () => zlib.createInflate(),
  br: () => zlib.createBrotliDecompress(),
  ...(createZstdDecompress && { zstd: () => createZstdDecompress() }),
};
const taken = Object.keys(decoders)
  .filter((name) => name !== 'x-gzip')
  .join(', ');

/**
 * Reads the headers that say how a body is written: decodes `Content-Encoding` (RFC 9110, 8.4) within the body limit,
 * and refuses, by the header's name, an encoding or a charset that it does not know.
 */
export const contentEncoding = fp(
  async (app) => {
    app.addHook('preParsing', (request, _reply, payload, done) => {
      try {
        done(null, decode(request, payload));
      } catch (error) {
        done(error as Error);
      }
    });
  },
  { name: 'content-encoding' },
);

function decode(request: FastifyRequest, payload: RequestPayload): RequestPayload {
  const type = request.headers['content-type'] ?? '';
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(type)?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw new UnsupportedMediaTypeError(
      `Content-Type names the charset "${charset.slice(0, 40)}"; expected UTF-8. Encode the body as UTF-8, or leave charset out.`,
    );
  }
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? '';
  if (encoding === '' || encoding === 'identity') return payload;
  if (/^multipart\//i.test(type)) {
    throw new UnsupportedMediaTypeError(
      `Content-Encoding is "${encoding.slice(0, 40)}"; forms are taken only as they are. Send the form without Content-Encoding.`,
    );
  }
  const createDecoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined;
  if (!createDecoder) {
    throw new UnsupportedMediaTypeError(
      `Content-Encoding is "${encoding.slice(0, 40)}"; expected one of ${taken}. Send the body in one of them, or without Content-Encoding.`,
    );
  }
  return decodeWithin(request.routeOptions.bodyLimit, payload, createDecoder(), encoding);
}

/** The decoded body. Ends with an error, and decodes no further, where the body is not of this encoding or too large. */
function decodeWithin(limit: number, payload: Readable, decoder: Transform, encoding: string): RequestPayload {
  let length = 0;
  // Fastify compares this with Content-Length.
  const decoded: PassThrough & { receivedEncodedLength?: number } = new PassThrough();
  decoded.receivedEncodedLength = 0;
  const stop = (error: Error): void => {
    payload.unpipe(decoder);
    payload.resume(); // the rest is read and dropped, so that the client can read its answer
    decoder.destroy();
    decoded.destroy(error);
  };
  const onLength = (chunk: Buffer): void => {
    decoded.receivedEncodedLength! += chunk.length;
  };
  payload.on('data', onLength);
  payload.once('error', stop);
  decoder.once('error', () =>
    stop(new MalformedBodyError(`The body is not valid ${encoding}, as Content-Encoding says.`)),
  );
  decoder.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > limit) stop(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
  });
  payload.pipe(decoder).pipe(decoded);
  return decoded;
}
