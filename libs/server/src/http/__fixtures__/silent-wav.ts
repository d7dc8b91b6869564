/** A mono WAV file of silence, 8 bits and 100 samples per second (https://docs.fileformat.com/audio/wav/). */
export function silentWav(seconds: number): Buffer {
  const sampleRate = 100;
  const head = Buffer.alloc(44);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(36 + seconds * sampleRate, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  for (const [offset, value] of [
    [16, 16],
    [24, sampleRate],
    [28, sampleRate],
    [40, seconds * sampleRate],
  ] as const) {
    head.writeUInt32LE(value, offset);
  }
  for (const [offset, value] of [
    [20, 1],
    [22, 1],
    [32, 1],
    [34, 8],
  ] as const)
    head.writeUInt16LE(value, offset);
  head.write('data', 36, 'latin1');
  return Buffer.concat([head, Buffer.alloc(seconds * sampleRate, 128)]);
}
