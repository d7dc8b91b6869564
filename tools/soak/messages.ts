import type { Message } from './request.ts';

const json = (path: string, body: object): Message => ({
  path,
  type: 'application/json',
  body: Buffer.from(JSON.stringify(body)),
});

const WORDS = 'the quick brown fox jumps over a lazy dog while seven bright stars shine above cold hills'.split(' ');

/** A mixed request of a task: short and long, streamed and whole. `random` gives numbers from 0 to 1. */
export function messageOf(task: string, model: string, random: () => number): Message {
  const words = (most: number): string =>
    Array.from({ length: 1 + Math.floor(random() * most) }, () => WORDS[Math.floor(random() * WORDS.length)]).join(' ');
  switch (task) {
    case 'generate':
      return json('/v1/chat/completions', {
        model,
        messages: [{ role: 'user', content: words(60) }],
        max_completion_tokens: 1 + Math.floor(random() * 48),
        temperature: 0,
        stream: random() < 0.6,
      });
    case 'embed':
      return json('/v1/embeddings', {
        model,
        input: random() < 0.7 ? words(60) : Array.from({ length: 1 + Math.floor(random() * 16) }, () => words(60)),
      });
    case 'rerank':
      return json('/v1/rerank', {
        ...{ model, query: words(10) },
        documents: Array.from({ length: 1 + Math.floor(random() * 16) }, () => words(60)),
      });
    case 'speak':
      return json('/v1/audio/speech', { model, input: `${words(20)}.`, voice: 'alloy', response_format: 'wav' });
    case 'transcribe':
      return upload('/v1/audio/transcriptions', model, wav(1 + random() * 4, random));
    case 'generateImage':
      // The text encoder of the smallest model reads 16 tokens.
      return json('/v1/images/generations', { model, prompt: words(2), n: 1 });
    default:
      throw new Error(`there is no load for the task "${task}"`);
  }
}

function upload(path: string, model: string, file: Buffer): Message {
  const boundary = 'xim-soak-7d1f';
  const part = (head: string): string => `--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n`;
  const body = Buffer.concat([
    Buffer.from(`${part('name="model"')}\r\n${model}\r\n`),
    Buffer.from(`${part('name="file"; filename="a.wav"')}Content-Type: audio/wav\r\n\r\n`),
    file,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  return { path, type: `multipart/form-data; boundary=${boundary}`, body };
}

/** Mono, 16 bits, 16 kHz: a tone that moves, under a RIFF header of 44 bytes. */
function wav(seconds: number, random: () => number): Buffer {
  const rate = 16_000;
  const count = Math.floor(seconds * rate);
  const bytes = Buffer.alloc(44 + 2 * count);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(36 + 2 * count, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(2 * rate, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(2 * count, 40);
  const tone = 200 + 400 * random();
  for (let at = 0; at < count; at++) {
    bytes.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * tone * at) / rate)), 44 + 2 * at);
  }
  return bytes;
}
