import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import multipart from '@fastify/multipart';
import { CancelledError } from '@xim/engine';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { AdmittedCall } from '../context.ts';
import {
  MalformedBodyError,
  StorageFullError,
  UnsupportedMediaTypeError,
  UploadTimeoutError,
  UploadTooLargeError,
} from '../errors/errors.ts';
import { makeUploadFolder, prepareTmpFolder } from './tmp-folder.ts';

/** A form (multipart/form-data, RFC 7578) whose files are on disk. */
export interface Upload {
  /** Text by name. A list where the name was sent with `[]`, more than once, or is one of the route's lists. */
  readonly fields: Readonly<Record<string, string | readonly string[]>>;
  /** In the order in which they came. */
  readonly files: readonly UploadedFile[];
}

export interface UploadedFile {
  /** The field's name, without `[]`. */
  readonly field: string;
  /** As the client calls it: for messages and formats, never a path. */
  readonly name: string;
  readonly mediaType: string;
  /** Exists until the request is over. */
  readonly path: string;
  readonly bytes: number;
}

export interface UploadOptions {
  /** Slots that the call takes. Default 1. */
  readonly sequences?: number | undefined;
  /** Fields that are lists, also where the client sent one value without `[]`. */
  readonly lists?: readonly string[] | undefined;
}

const MAX_FILES = 17; // 16 pictures and a mask, as OpenAI's image edits take
const MAX_FIELDS = 64;
const MAX_FIELD_BYTES = 1 << 20;
const MAX_NAME_LENGTH = 100;
const MAX_PART_HEADER_BYTES = 16 << 10;
/** Milliseconds for which an answered client may go on sending. Closed at once, its system would drop the answer. */
const LINGER_MS = 10_000;

/**
 * Lets the routes of one scope take uploads by `withUpload`, and no other bodies. Register it inside the route plugin.
 * Throws ServiceStartError where XIM_TMP cannot be written to.
 */
export const uploads = fp(
  async (app) => {
    const { tmp, requestTimeoutSeconds, uploadTimeoutSeconds } = app.xim.config;
    const warning = prepareTmpFolder(tmp);
    if (warning !== undefined) app.log.warn(warning);
    // Node's own limit for a whole request also counts the time in the queue, in which no body is read.
    const longestMs = (requestTimeoutSeconds + uploadTimeoutSeconds) * 1000 + LINGER_MS;
    app.server.requestTimeout = Math.max(app.server.requestTimeout, longestMs);

    app.removeAllContentTypeParsers();
    await app.register(multipart);
    // `withUpload` refuses what is no form; until then nothing of it is read.
    app.addContentTypeParser('*', (_request, _body, done) => done(null));

    app.addHook('onSend', async ({ raw }, reply) => {
      // Node would close the connection right after the answer, under a client that still sends.
      if (raw.complete) return;
      reply.raw.removeHeader('connection');
      reply.raw.shouldKeepAlive = true;
    });
    app.addHook('onResponse', async ({ raw }) => {
      if (raw.complete || raw.destroyed) return;
      const timer = setTimeout(() => raw.socket.destroy(), LINGER_MS).unref();
      raw.once('close', () => clearTimeout(timer));
      if (asksToClose(raw)) raw.once('end', () => raw.socket.destroySoon());
      raw.resume();
    });
  },
  { name: 'uploads' },
);

function asksToClose({ headers, httpVersion }: FastifyRequest['raw']): boolean {
  return httpVersion === '1.0' || /\bclose\b/i.test(headers.connection ?? '');
}

/**
 * Admits a call, then receives the request's form, then runs `use` with both. A request that is refused or waits in
 * the queue has its body unread in the connection. In every case the files are deleted and the slots are free again.
 *
 * Fails with what admission throws, MalformedBodyError, UnsupportedMediaTypeError, UploadTooLargeError,
 * UploadTimeoutError, StorageFullError, CancelledError, or what `use` throws.
 */
export async function withUpload<T>(
  request: FastifyRequest,
  options: UploadOptions,
  use: (upload: Upload, call: AdmittedCall) => Promise<T>,
): Promise<T> {
  const { xim, log } = request.server;
  const { uploadLimitBytes, uploadTimeoutSeconds, tmp } = xim.config;
  checkHead(request, uploadLimitBytes);
  const call = await xim.calls.admitCall(request, options.sequences ?? 1);
  let folder: string | undefined;
  try {
    let upload: Upload;
    try {
      folder = await makeUploadFolder(tmp);
      const limits = { bytes: uploadLimitBytes, seconds: uploadTimeoutSeconds };
      upload = await receive(request, folder, limits, call.signal, options.lists ?? []);
    } catch (error) {
      throw toUploadError(error, request);
    }
    call.received(upload.files.reduce((total, { bytes }) => total + bytes, 0));
    call.restartDeadline();
    return await use(upload, call);
  } finally {
    // Before the slot is free, so that no more uploads lie on the disk than there are slots.
    if (folder !== undefined) {
      await rm(folder, { recursive: true, force: true }).catch(({ code }: NodeJS.ErrnoException) => {
        log.error({ folder, code }, 'the files of an upload could not be deleted');
      });
    }
    call.end();
  }
}

/** Refuses what the head alone shows to be wrong. */
function checkHead({ headers }: FastifyRequest, limitBytes: number): void {
  const type = headers['content-type'] ?? '';
  if (!/^multipart\/form-data\s*(;|$)/i.test(type)) {
    const message = 'The body has a media type that this path does not take. Send a form, "multipart/form-data".';
    throw new UnsupportedMediaTypeError(message);
  }
  if (!/;\s*boundary=("[^"]+"|[^\s";]+)/i.test(type)) {
    throw new MalformedBodyError('Content-Type has no boundary. Let the HTTP client set this header for a form.');
  }
  const length = headers['content-length'];
  if (length === '0') throw new MalformedBodyError('The body is empty; a form was expected.');
  if (Number(length) > limitBytes) throw new UploadTooLargeError(limitBytes);
}

/** Reads the whole body: files to `folder`, fields to memory. Rejects with the reason of `signal` when that aborts. */
async function receive(
  request: FastifyRequest,
  folder: string,
  limits: { readonly bytes: number; readonly seconds: number },
  signal: AbortSignal,
  lists: readonly string[],
): Promise<Upload> {
  const { raw } = request;
  const files: UploadedFile[] = [];
  const fields = new Map<string, string | string[]>();
  const stop = new AbortController();
  const stopped = new Promise<never>((_resolve, reject) => {
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason as Error));
  });
  stopped.catch(() => undefined);
  const onAbort = (): void => stop.abort(signal.reason);
  const timer = setTimeout(() => stop.abort(new UploadTimeoutError(limits.seconds)), limits.seconds * 1000);
  let received = 0;
  const count = (chunk: Buffer): void => {
    received += chunk.length;
    if (received > limits.bytes) stop.abort(new UploadTooLargeError(limits.bytes));
  };

  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  raw.on('data', count);
  try {
    const parts = request.parts({
      limits: {
        files: MAX_FILES,
        fields: MAX_FIELDS,
        parts: MAX_FILES + MAX_FIELDS,
        fieldSize: MAX_FIELD_BYTES,
        fileSize: Infinity, // the body as a whole has a limit
        headerSize: MAX_PART_HEADER_BYTES,
      },
    });
    for (;;) {
      const { done, value: part } = await Promise.race([parts.next(), stopped]);
      if (done) break;
      const { name, isList } = toName(part.fieldname, lists);
      if (part.type === 'file') {
        const path = join(folder, String(files.length));
        // `wx`: never through a link that somebody put there.
        await pipeline(part.file, createWriteStream(path, { flags: 'wx', mode: 0o600 }), { signal: stop.signal });
        const { filename, mimetype, file } = part;
        files.push({ field: name, name: filename ?? '', mediaType: mimetype, path, bytes: file.bytesRead });
      } else {
        const text = toText(name, part);
        const earlier = fields.get(name);
        if (earlier === undefined) fields.set(name, isList ? [text] : text);
        else fields.set(name, [earlier, text].flat());
      }
    }
    // Bytes after the form's end are still the request's.
    raw.resume();
    if (!raw.readableEnded) await Promise.race([new Promise((resolve) => raw.once('end', resolve)), stopped]);
    if (received === 0) throw new MalformedBodyError('The body is empty; a form was expected.');
    return { fields: Object.fromEntries(fields), files };
  } catch (error) {
    raw.unpipe(); // what is left is read after the answer
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    clearTimeout(timer);
    raw.off('data', count);
    signal.removeEventListener('abort', onAbort);
  }
}

/** The name of a list may be sent as `name[]` and as `name`. */
function toName(sent: string | undefined, lists: readonly string[]): { name: string; isList: boolean } {
  if (!sent) throw new MalformedBodyError('A part of the form has no name.');
  const name = sent.replace(/\[\]$/, '');
  if (name === '' || name.length > MAX_NAME_LENGTH || name in {}) {
    throw new MalformedBodyError(`A name in the form is not allowed: "${name.slice(0, MAX_NAME_LENGTH)}".`);
  }
  return { name, isList: name !== sent || lists.includes(name) };
}

function toText(name: string, { value, valueTruncated }: { value: unknown; valueTruncated: boolean }): string {
  if (valueTruncated) {
    throw new MalformedBodyError(`The field "${name}" is longer than ${MAX_FIELD_BYTES} bytes.`);
  }
  if (typeof value === 'string') return value;
  throw new MalformedBodyError(
    `The field "${name}" is JSON; text was expected. Send it without a Content-Type of its own.`,
  );
}

const FULL: readonly unknown[] = ['ENOSPC', 'EDQUOT'];
const TOO_MANY: readonly unknown[] = ['FST_FILES_LIMIT', 'FST_FIELDS_LIMIT', 'FST_PARTS_LIMIT'];

/** An error of receiving → an error with a status. The form's parser throws plain errors with its own messages. */
function toUploadError(error: unknown, { raw }: FastifyRequest): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (FULL.includes(code)) return new StorageFullError({ cause: error });
  if (raw.socket.destroyed || code === 'FST_MP_PREMATURE_CLOSE') return new CancelledError();
  if (typeof code === 'string' && code.startsWith('XIM_')) return error;
  if (TOO_MANY.includes(code)) {
    return new MalformedBodyError(`The form has more than ${MAX_FILES} files or ${MAX_FIELDS} fields.`);
  }
  if (code === 'FST_PROTO_VIOLATION') return new MalformedBodyError('A name in the form is not allowed.');
  if (code === 'FST_INVALID_JSON_FIELD_ERROR')
    return new MalformedBodyError('A field says that it is JSON and is not.');
  if (syscall !== undefined || (code !== undefined && !code.startsWith('FST_'))) return error;
  return new MalformedBodyError('The body is not a whole form: a boundary is missing or a part has no proper head.');
}
