import { checkRanges, type Exchange, refuse } from './fake-exchange.ts';
import { checkModel } from './fake-openai.ts';

const VOICES = ['tenor', 'alloy'];
const RATE = 24_000;
const FILES: Readonly<Record<string, { readonly type: string; readonly head: Buffer }>> = {
  mp3: { type: 'audio/mpeg', head: Buffer.from('fff3', 'hex') },
  opus: { type: 'audio/ogg', head: Buffer.from('OggS') },
  aac: { type: 'audio/aac', head: Buffer.from('fff1', 'hex') },
  flac: { type: 'audio/flac', head: Buffer.from('fLaC') },
  wav: { type: 'audio/wav', head: Buffer.alloc(0) },
  pcm: { type: 'audio/pcm', head: Buffer.alloc(0) },
};

export const voices = () => ({ voices: VOICES.map((id) => ({ id, name: id })) });

/** Answers with a tone of 0.05 s per character. */
export function speech(exchange: Exchange): unknown {
  const { request: body } = exchange;
  checkModel(body);
  if (typeof body.input !== 'string' || body.input === '') refuse('input: expected a text', 'input');
  if (body.input.length > 4096) refuse('input: at most 4096 characters', 'input');
  const voice: unknown = body.voice?.id ?? body.voice;
  if (!VOICES.includes(voice as string)) refuse(`no voice ${String(voice)}`, 'voice');
  const { response_format: format = 'mp3', speed = 1, stream_format: streamed = 'audio' } = body;
  const file = FILES[format] ?? refuse('response_format: unknown', 'response_format');
  if (!['audio', 'sse'].includes(streamed)) refuse('stream_format: audio or sse', 'stream_format');
  checkRanges(body, [['speed', 0.25, 4]]);

  const samples = Buffer.alloc(2 * Math.round((body.input.length * 0.05 * RATE) / speed));
  for (let at = 0; at < samples.length; at += 2) samples.writeInt16LE(Math.round(8000 * Math.sin(at / 20)), at);
  const bytes = Buffer.concat([format === 'wav' ? wavHead(samples.length) : file.head, samples]);
  if (streamed !== 'sse') {
    exchange.headers['content-type'] = file.type;
    return bytes;
  }
  const usage = { input_tokens: 3, output_tokens: 9, total_tokens: 12 };
  const deltas = [bytes.subarray(0, 1000), bytes.subarray(1000)].map((part) => ({
    type: 'speech.audio.delta',
    audio: part.toString('base64'),
  }));
  exchange.frames = [...deltas, { type: 'speech.audio.done', usage }];
  return undefined;
}

function wavHead(size: number): Buffer {
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + size, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(RATE, 24);
  head.writeUInt32LE(2 * RATE, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(size, 40);
  return head;
}
