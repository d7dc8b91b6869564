import { expectThat } from './expectations.ts';

export interface Wav {
  readonly sampleRate: number;
  readonly frames: number;
}

/** Sizes in the header of a file that is sent before its length is known. */
const UNKNOWN = [0, 0xffff_ffff, 0x7fff_ffff];

/**
 * Reads the chunks of a WAV file (Multimedia Programming Interface and Data Specifications 1.0). Throws a MismatchError
 * for a size that is neither correct nor one of `UNKNOWN`, and for bytes after the last chunk.
 */
export function readWav(file: Buffer): Wav {
  const word = (at: number) => file.toString('latin1', at, at + 4);
  expectThat(word(0) === 'RIFF' && word(8) === 'WAVE', 'a WAV file', file.toString('latin1', 0, 12));
  const size = file.readUInt32LE(4);
  const isOpen = UNKNOWN.includes(size) || size === 0xffff_ffff - 8;
  expectThat(isOpen || size === file.length - 8, `a RIFF size of ${file.length - 8}`, size);
  let format: { sampleRate: number; frameBytes: number } | undefined;
  for (let at = 12; at + 8 <= file.length;) {
    const length = file.readUInt32LE(at + 4);
    if (word(at) === 'fmt ') {
      expectThat(at + 24 <= file.length, 'a whole fmt chunk', file.length - at);
      format = { sampleRate: file.readUInt32LE(at + 12), frameBytes: file.readUInt16LE(at + 20) };
    }
    if (word(at) === 'data') {
      const there = file.length - at - 8;
      const known = !UNKNOWN.includes(length) && length < 0x7fff_0000;
      expectThat(!known || length <= there, `a data size of at most ${there}`, length);
      expectThat(format !== undefined && format.frameBytes > 0, 'a fmt chunk before the samples', format);
      const bytes = known ? length : there;
      expectThat(bytes > 0, 'samples', bytes);
      return { sampleRate: format.sampleRate, frames: Math.floor(bytes / format.frameBytes) };
    }
    at += 8 + length + (length % 2);
  }
  expectThat(false, 'a data chunk', file.toString('latin1', 0, 64));
}
