import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../../..');
const FOLDER = join(import.meta.dirname, 'speech');
const RATE = 16_000;

/** The environment with the wheels of the service that transcribes. */
export const transcribePython = join(ROOT, '.venv/whisperx@oneapi/bin/python');

/** The environment with the wheels of the service that speaks. */
export const speakPython = join(ROOT, '.venv/speech@oneapi/bin/python');

/** The spoken words of the recordings, by the name of the file. */
export const spoken = {
  jfk: 'and so my fellow americans ask not what your country can do for you ask what you can do for your country',
  'austen-0870':
    'and mister john dashwood had then leisure to consider how much there might be prudently in his power to do for them',
  'austen-0880': 'he was not an ill disposed young man',
  'austen-0890': 'unless to be rather cold hearted and rather selfish is to be ill disposed',
  'austen-0920': 'had he married a more amiable woman he might have been made still more respectable than he was',
  'austen-0930': 'he might even have been made amiable himself',
} as const;
export type Clip = keyof typeof spoken;
export const clips = Object.keys(spoken) as Clip[];

export function recording(clip: Clip): Uint8Array {
  return readFileSync(join(FOLDER, `${clip}.ogg`));
}

/** Samples of a clip at 16 kHz, decoded as the service does it. */
export function samplesOf(clip: Clip): Int16Array {
  const script = `import sys, numpy as np; from xim_audio import decode
for part in decode(sys.argv[1]): sys.stdout.buffer.write((part * 32767).astype("<i2").tobytes())`;
  const bytes = execFileSync(transcribePython, ['-c', script, join(FOLDER, `${clip}.ogg`)], {
    env: { PYTHONPATH: ['audio', 'worker'].map((name) => join(ROOT, 'libs', name, 'python')).join(':') },
    maxBuffer: 2 ** 28,
  });
  return new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

export function silence(seconds: number): Int16Array {
  return new Int16Array(Math.round(seconds * RATE));
}

/** A WAV file of samples at 16 kHz, `repeat` times. */
export function toWav(parts: readonly Int16Array[], repeat = 1): Buffer {
  const once = Buffer.concat(parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)));
  const head = Buffer.alloc(44);
  head.write('RIFF\0\0\0\0WAVEfmt ', 'latin1');
  head.writeUInt32LE(36 + once.length * repeat, 4);
  head.set([16, 0, 0, 0, 1, 0, 1, 0], 16);
  head.writeUInt32LE(RATE, 24);
  head.writeUInt32LE(2 * RATE, 28);
  head.set([2, 0, 16, 0], 32);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(once.length * repeat, 40);
  return Buffer.concat([head, ...Array<Buffer>(repeat).fill(once)]);
}

export function writeWav(path: string, parts: readonly Int16Array[], repeat: number): string {
  writeFileSync(path, toWav(parts, repeat));
  return path;
}

/** Number of word errors (inserted, left out or changed) of a text, and number of spoken words. */
export function wordErrors(text: string, said: string): { readonly errors: number; readonly words: number } {
  const [heard, words] = [toWords(text), toWords(said)];
  let row = heard.map((_, at) => at + 1);
  words.forEach((word, line) => {
    let corner = line;
    let left = line + 1;
    row = row.map((above, at) => {
      const cost = Math.min(above + 1, left + 1, corner + (heard[at] === word ? 0 : 1));
      corner = above;
      left = cost;
      return cost;
    });
  });
  return { errors: row.at(-1) ?? words.length, words: words.length };
}

function toWords(text: string): string[] {
  const plain = text
    .toLowerCase()
    .replaceAll(/\bmr\.?(?= )/g, 'mister')
    .replaceAll(/[-–]/g, ' ');
  return plain
    .replaceAll(/[^a-z' ]/g, ' ')
    .split(/ +/)
    .filter((word) => word !== '');
}
