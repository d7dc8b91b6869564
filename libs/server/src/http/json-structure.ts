/** The parts of a JSON body that cost time to read; counted before any value is built. */
export interface JsonStructure {
  /** Levels of arrays and objects. */
  readonly depth: number;
  /** Texts, names of members, arrays and objects. */
  readonly parts: number;
  /** Numbers, `true`, `false` and `null`. */
  readonly numbers: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Counts in one pass over the bytes; of text that is no JSON the numbers mean nothing, and no parser takes it. Ends early
 * where `isEnough` says of what was counted so far that it need not go on.
 */
export function countJson(bytes: Buffer, isEnough: (structure: JsonStructure) => boolean): JsonStructure {
  const found = { depth: 0, parts: 0, numbers: 0 };
  let depth = 0;
  let inNumber = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    const isBracket = byte === 0x7b || byte === 0x5b;
    if (byte === QUOTE || isBracket) {
      inNumber = false;
      found.parts++;
      if (isBracket) found.depth = Math.max(found.depth, ++depth);
      else at = endOfText(bytes, at + 1);
      if (isEnough(found)) return found;
    } else if (byte === 0x7d || byte === 0x5d) {
      inNumber = false;
      depth--;
    } else if (byte === 0x2c || byte === 0x3a || byte <= 0x20) {
      inNumber = false;
    } else if (!inNumber) {
      inNumber = true;
      found.numbers++;
      if (isEnough(found)) return found;
    }
  }
  return found;
}

/** The place of the quote that ends a text; beyond the bytes where none does. */
function endOfText(bytes: Buffer, from: number): number {
  const quote = bytes.indexOf(QUOTE, from);
  const end = quote < 0 ? bytes.length : quote;
  let at = bytes.subarray(from, end).indexOf(BACKSLASH);
  if (at < 0) return end;
  // A search for each of millions of escapes costs more than a look at every byte.
  for (at += from; at < bytes.length && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++;
  return at;
}
