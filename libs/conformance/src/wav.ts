const RATE = 16_000;

/** A mono WAV file with 16 bits and 16,000 samples per second: a tone of 440 Hz, or silence with `volume` 0. */
export function wav(seconds: number, volume = 0.3): Buffer {
  const samples = Buffer.alloc(2 * Math.round(seconds * RATE));
  for (let at = 0; at < samples.length / 2; at += 1) {
    samples.writeInt16LE(Math.round(32_767 * volume * Math.sin((2 * Math.PI * 440 * at) / RATE)), 2 * at);
  }
  const head = Buffer.alloc(44);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(36 + samples.length, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20); // PCM
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(RATE, 24);
  head.writeUInt32LE(2 * RATE, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples]);
}

/** The same file with unknown sizes, as a recorder writes it to a pipe. */
export function pipedWav(seconds: number): Buffer {
  const file = wav(seconds);
  file.writeUInt32LE(0xff_ff_ff_ff, 4);
  file.writeUInt32LE(0xff_ff_ff_ff, 40);
  return file;
}
