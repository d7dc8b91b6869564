import { type Exchange, refuse } from './fake-exchange.ts';
import { checkModel } from './fake-openai.ts';

const WORDS = ['one', 'two', 'three'];
const FORMATS = ['json', 'text', 'srt', 'verbose_json', 'vtt', 'diarized_json'];

/** The fields of a form, with files as bytes; undefined for a body that is not a form. */
export async function readForm(bytes: Buffer, type: string): Promise<Record<string, unknown> | undefined> {
  try {
    const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData();
    const entries = await Promise.all(
      [...form].map(async ([name, value]) => [
        name.replace(/\[\]$/, ''),
        typeof value === 'string' ? value : Buffer.from(await value.arrayBuffer()),
      ]),
    );
    return Object.fromEntries(entries) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** Transcribes one word per second. */
export function transcription(exchange: Exchange): unknown {
  const { request: form, path } = exchange;
  const type = String(exchange.requestHeaders['content-type']);
  if (!type.startsWith('multipart/form-data')) refuse('expected a form', null, 415);
  checkModel(form);
  const file: unknown = form.file;
  if (!Buffer.isBuffer(file) || file.toString('latin1', 0, 4) !== 'RIFF') return refuse('file: no recording', 'file');
  const format = form.response_format || 'json';
  const formats = path.endsWith('translations') ? FORMATS.slice(0, 5) : FORMATS;
  if (!formats.includes(format)) refuse('response_format: unknown', 'response_format');
  if (form.language && form.language !== 'en') refuse('language: unknown', 'language');
  if (Number(form.temperature ?? 0) > 1) refuse('temperature: at most 1', 'temperature');
  if (form.timestamp_granularities && format !== 'verbose_json')
    refuse('timestamp_granularities need verbose_json', 'timestamp_granularities');

  const duration = (file.length - 44) / 32_000;
  const text = WORDS.join(' ');
  const cues = (point: string, number: boolean) =>
    WORDS.map((word, at) => `${number ? `${at + 1}\n` : ''}00:00:0${at}${point}000 --> 00:00:0${at + 1}${point}000\n${word}\n\n`).join(''); // prettier-ignore
  const bare = (body: string) => {
    exchange.headers['content-type'] = 'text/plain; charset=utf-8';
    return body;
  };
  if (form.stream === 'true') {
    const deltas = WORDS.map((word, at) => ({ type: 'transcript.text.delta', delta: at > 0 ? ` ${word}` : word }));
    exchange.frames = [...deltas, { type: 'transcript.text.done', text }];
    return undefined;
  }
  if (format === 'text') return bare(`${text}\n`);
  if (format === 'srt') return bare(cues(',', true));
  if (format === 'vtt') return bare(`WEBVTT\n\n${cues('.', false)}`);
  const logprobs = WORDS.map((word, at) => (at > 0 ? ` ${word}` : word)).map((token) => ({ token, logprob: -0.1, bytes: [...Buffer.from(token)] })); // prettier-ignore
  if (format === 'json') return { text, ...(form.include === 'logprobs' && { logprobs }) };
  const spans = WORDS.map((word, at) => ({ start: at, end: at + 1, word }));
  if (format === 'diarized_json') {
    const type = 'transcript.text.segment';
    const turn = ({ word, ...times }: (typeof spans)[number]) => ({ type, id: word, text: word, speaker: 'A', ...times }); // prettier-ignore
    return { task: 'transcribe', duration, text, segments: spans.map(turn) };
  }
  const numbers = { seek: 0, tokens: [1], temperature: 0, avg_logprob: -1, compression_ratio: 1, no_speech_prob: 0 };
  const segments = spans.map(({ word, ...times }, id) => ({ id, ...times, text: word, ...numbers }));
  return {
    ...{ task: 'transcribe', language: 'english', duration, text },
    ...(form.timestamp_granularities === 'word' ? { words: spans } : { segments }),
  };
}
