/** A picture's format and size in pixels. */
export interface ImageHead {
  readonly format: 'png' | 'jpeg' | 'webp';
  readonly width: number;
  readonly height: number;
}

/**
 * Reads the head of a PNG, JPEG or WebP file; undefined for other files.
 * Sources: https://www.w3.org/TR/png-3/#11IHDR, ITU-T T.81 annex B,
 * https://developers.google.com/speed/webp/docs/riff_container.
 */
export function readImageHead(bytes: Buffer): ImageHead | undefined {
  try {
    if (bytes.subarray(0, 8).toString('latin1') === '\x89PNG\r\n\x1a\n')
      return { format: 'png', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
    if (bytes.readUInt16BE(0) === 0xffd8) return readJpeg(bytes);
    if (bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP') return readWebp(bytes);
  } catch {
    // The file ends before its size.
  }
  return undefined;
}

/** Reads the segments up to the frame header: SOF0 to SOF15, except DHT, JPG and DAC. */
function readJpeg(bytes: Buffer): ImageHead | undefined {
  for (let at = 2; bytes[at] === 0xff; at += 2 + bytes.readUInt16BE(at + 2)) {
    const marker = bytes[at + 1]!;
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return { format: 'jpeg', width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
  }
  return undefined;
}

function readWebp(bytes: Buffer): ImageHead | undefined {
  const chunk = bytes.toString('latin1', 12, 16);
  if (chunk === 'VP8 ')
    return { format: 'webp', width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
  if (chunk === 'VP8X')
    return { format: 'webp', width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
  if (chunk !== 'VP8L') return undefined;
  const bits = bytes.readUInt32LE(21);
  return { format: 'webp', width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
}
