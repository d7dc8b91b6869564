/** Frames of the worker protocol: `u32 header length | u32 body length | JSON header | raw body`, little-endian. */

export const PROTOCOL = 1;

const LENGTHS_BYTES = 8;
const MAX_HEADER_BYTES = 64 * 2 ** 20;
const MAX_BODY_BYTES = 2 ** 30;

export interface Frame {
  readonly type: string;
  readonly [member: string]: unknown;
}

/**
 * Encodes one frame. Every `Uint8Array` in `header` travels in the body, as `{ $body: [offset, length] }`.
 *
 * @returns buffers to write in order
 */
export function encodeFrame(header: Frame): Uint8Array[] {
  const body: Uint8Array[] = [];
  let bodyLength = 0;
  const json = JSON.stringify(header, function (this: Record<string, unknown>, key, value: unknown) {
    // `this[key]`, since a Buffer has already become a list of numbers in `value`.
    const raw = this[key];
    if (!(raw instanceof Uint8Array)) return value;
    const place = [bodyLength, raw.byteLength];
    body.push(raw);
    bodyLength += raw.byteLength;
    return { $body: place };
  });
  // A body that is not empty tells the reader to look for bytes; so even empty ones need one.
  if (body.length > 0 && bodyLength === 0) {
    body.push(new Uint8Array(1));
    bodyLength = 1;
  }
  const encoded = Buffer.from(json, 'utf8');
  const lengths = Buffer.allocUnsafe(LENGTHS_BYTES);
  lengths.writeUInt32LE(encoded.length, 0);
  lengths.writeUInt32LE(bodyLength, 4);
  return [lengths, encoded, ...body];
}

/**
 * Cuts a byte stream into frames.
 *
 * @returns a function to call with each chunk; it throws an Error (`what is broken`) on anything but frames
 */
export function createFrameReader(onFrame: (frame: Frame) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = [];
  let length = 0;
  let wanted = LENGTHS_BYTES;
  return (chunk) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length < wanted) return;
    const data = chunks.length === 1 ? chunk : Buffer.concat(chunks);
    let at = 0;
    wanted = LENGTHS_BYTES;
    while (data.length - at >= LENGTHS_BYTES) {
      const headerLength = data.readUInt32LE(at);
      const bodyLength = data.readUInt32LE(at + 4);
      if (headerLength > MAX_HEADER_BYTES || bodyLength > MAX_BODY_BYTES) {
        throw new Error(`a frame claims ${headerLength} header and ${bodyLength} body bytes`);
      }
      const end = at + LENGTHS_BYTES + headerLength + bodyLength;
      if (data.length < end) {
        wanted = end - at;
        break;
      }
      const headerEnd = end - bodyLength;
      onFrame(toFrame(data.toString('utf8', at + LENGTHS_BYTES, headerEnd), data.subarray(headerEnd, end)));
      at = end;
    }
    chunks = at < data.length ? [data.subarray(at)] : [];
    length = data.length - at;
  };
}

function toFrame(json: string, body: Buffer): Frame {
  let header: unknown;
  try {
    header = JSON.parse(json);
  } catch {
    throw new Error(`a header is not JSON: ${JSON.stringify(json.slice(0, 40))}`);
  }
  if (typeof header !== 'object' || header === null || typeof (header as Frame).type !== 'string') {
    throw new Error('a header has no type');
  }
  return (body.length === 0 ? header : withBytes(header, body)) as Frame;
}

/** `value` with every `{ $body: [offset, length] }` replaced by that part of the body. */
function withBytes(value: unknown, body: Buffer): unknown {
  if (Array.isArray(value)) return value.map((member) => withBytes(member, body));
  if (typeof value !== 'object' || value === null) return value;
  const place = (value as { $body?: unknown }).$body;
  if (!Array.isArray(place)) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withBytes(member, body)]));
  }
  const [offset, length] = place as [number, number];
  if (!(Number.isInteger(offset) && Number.isInteger(length) && offset >= 0 && offset + length <= body.length)) {
    throw new Error(`a frame names bytes [${offset}, ${length}] of a body of ${body.length}`);
  }
  return body.subarray(offset, offset + length);
}
