import { expectError, expectSuccess, toJson } from '../answers.ts';
import type { Check, Context } from '../check.ts';
import type { Answer } from '../client.ts';
import { expectEqual, expectShape, expectThat } from '../expectations.ts';
import { DONE, toFrames, toObjects } from '../sse.ts';
import { pipedWav, wav } from '../wav.ts';
import { Diarized, expectCues, expectRising, Scored, Text, Verbose } from '../transcripts.ts';

export const TRANSCRIPTIONS = '/v1/audio/transcriptions';
export const TRANSLATIONS = '/v1/audio/translations';
const SECONDS = 3;

type Fields = Readonly<Record<string, string | readonly string[]>>;
interface Sent {
  readonly file?: Buffer | null;
  readonly name?: string;
  readonly path?: string;
}

async function trySend(context: Context, fields: Fields, { file, name, path }: Sent = {}): Promise<Answer> {
  const form = new FormData();
  for (const [field, values] of Object.entries({ model: context.model, ...fields })) {
    for (const value of [values].flat()) form.append(field, value);
  }
  if (file !== null) form.append('file', new Blob([new Uint8Array(file ?? wav(SECONDS))]), name ?? 'a.wav');
  const encoded = new Response(form);
  const raw = Buffer.from(await encoded.arrayBuffer());
  const headers = { 'content-type': encoded.headers.get('content-type')! };
  return context.send({ path: path ?? TRANSCRIPTIONS, raw, headers });
}

async function send(context: Context, fields: Fields, sent?: Sent): Promise<Answer> {
  const answer = await trySend(context, fields, sent);
  expectSuccess(answer);
  return answer;
}

const textOf = async (context: Context, fields: Fields, sent?: Sent): Promise<string> =>
  expectShape(Text, toJson(await send(context, fields, sent)), 'answer').text.trim();

const plainText = (context: Context) => context.shared('transcribe text', (own) => textOf(own, {}));

const verbose = async (context: Context, fields: Fields = {}) => {
  const answer = await send(context, { response_format: 'verbose_json', ...fields });
  return expectShape(Verbose, toJson(answer), 'answer');
};

function expectBare(answer: Answer): void {
  const type = answer.headers['content-type'];
  expectThat(type && !type.startsWith('application/json'), 'a content-type of bare text', type);
  expectThat(!/^["{]/.test(answer.text), 'bare text, not JSON', answer.text);
}

const wrong: readonly (readonly [id: string, title: string, fields: Fields, param: string, sent?: Sent])[] = [
  ['file-missing', 'a form without a file is refused', {}, 'file', { file: null }],
  ['file-empty', 'an empty file is refused', {}, 'file', { file: Buffer.alloc(0) }],
  ['file-noise', 'bytes that are no recording are refused', {}, 'file', { file: Buffer.alloc(4096, 0xa7) }],
  ['language', 'an unknown language is refused', { language: 'klingon' }, 'language'],
  ['format', 'an unknown response_format is refused', { response_format: 'xml' }, 'response_format'],
  ['temperature', 'a temperature above 1 is refused', { temperature: '1.5' }, 'temperature'],
  ['granularities', 'timestamp_granularities without verbose_json are refused', { 'timestamp_granularities[]': 'word' }, 'timestamp_granularities'], // prettier-ignore
];

export const transcribeChecks: readonly Check[] = [
  {
    id: 'transcribe.default',
    title: 'without response_format the answer is JSON with the text',
    why: 'Every client reads the field text.',
    run: async (context) => void (await plainText(context)),
  },
  {
    id: 'transcribe.text',
    title: 'response_format: text is the bare text',
    why: 'Scripts write the body to a file, and a JSON string would add quotes.',
    async run(context) {
      const answer = await send(context, { response_format: 'text' });
      expectBare(answer);
      expectEqual(answer.text.trim(), await plainText(context), 'the text');
    },
  },
  {
    id: 'transcribe.srt',
    title: 'srt has cues numbered from 1 with a comma in their times',
    why: 'Players ignore cues that they cannot read.',
    async run(context) {
      const answer = await send(context, { response_format: 'srt' });
      expectBare(answer);
      expectCues(
        answer.text,
        /\d+\r?\n(\d\d:\d\d:\d\d,\d{3}) --> (\d\d:\d\d:\d\d,\d{3})\r?\n\S.*\r?\n(?:\r?\n|$)/g,
        SECONDS,
      );
      const numbers = [...answer.text.matchAll(/^(\d+)\r?\n\d\d:/gm)].map(([, number]) => Number(number));
      expectThat(numbers.every((number, at) => number === at + 1), 'numbers from 1', numbers); // prettier-ignore
    },
  },
  {
    id: 'transcribe.vtt',
    title: 'vtt begins with WEBVTT and has a point in its times',
    why: 'Browsers refuse the file otherwise.',
    async run(context) {
      const answer = await send(context, { response_format: 'vtt' });
      expectBare(answer);
      expectThat(/^WEBVTT\r?\n\r?\n/.test(answer.text), 'WEBVTT and an empty line', answer.text);
      const time = String.raw`((?:\d\d:)?\d\d:\d\d\.\d{3})`;
      expectCues(answer.text.slice('WEBVTT'.length), new RegExp(`${time} --> ${time}\\r?\\n\\S.*\\r?\\n(?:\\r?\\n|$)`, 'g'), SECONDS); // prettier-ignore
    },
  },
  {
    id: 'transcribe.verbose',
    title: 'verbose_json has the language by name, the duration and segments with all their fields',
    why: 'Typed clients fail on a field that is missing.',
    async run(context) {
      const { duration, segments } = await verbose(context);
      expectThat(Math.abs(duration - SECONDS) < 0.1, `a duration of ${SECONDS} seconds`, duration);
      expectThat(segments, 'segments', segments);
      expectRising(segments, duration);
    },
  },
  ...['timestamp_granularities[]', 'timestamp_granularities'].map((name): Check => ({
    id: `transcribe.words.${name.endsWith(']') ? 'bracketed' : 'bare'}`,
    title: `${name}: word gives a list of words in the order of their times`,
    why: 'Clients write arrays with or without brackets. null instead of words breaks their loops.',
    mayRefuse: ['timestamp_granularities'],
    async run(context) {
      const { words, duration } = await verbose(context, { [name]: 'word' });
      expectThat(words, 'words', words);
      expectRising(words, duration);
    },
  })),
  {
    id: 'transcribe.logprobs',
    title: 'include[]: logprobs gives a log probability for each token, and the tokens join to the text',
    why: 'Clients mark uncertain words, which an empty list prevents.',
    mayRefuse: ['include'],
    async run(context) {
      const answer = await send(context, { 'include[]': 'logprobs' });
      const { text, logprobs } = expectShape(Scored, toJson(answer), 'answer');
      const joined = Buffer.from(logprobs.flatMap(({ bytes }) => bytes)).toString();
      expectEqual(joined.trim(), text.trim(), 'the joined tokens');
    },
  },
  {
    id: 'transcribe.diarized',
    title: 'diarized_json has a speaker for every segment',
    why: 'Clients group the segments by it.',
    mayRefuse: ['response_format'],
    async run(context) {
      const answer = await send(context, { response_format: 'diarized_json' });
      const { segments, duration } = expectShape(Diarized, toJson(answer), 'answer');
      expectRising(segments, duration);
    },
  },
  {
    id: 'transcribe.stream',
    title: 'a stream has deltas that join to the text of its one transcript.text.done, and no [DONE]',
    why: 'The official clients read events by their type and parse every frame as JSON.',
    mayRefuse: ['stream'],
    async run(context) {
      const answer = await send(context, { stream: 'true' });
      const type = answer.headers['content-type'];
      expectThat(type?.startsWith('text/event-stream'), 'a content-type of text/event-stream', type);
      const all = toFrames(answer.text);
      expectThat(!all.frames.some(({ data }) => data === DONE), 'no [DONE]', DONE);
      const events = toObjects(all);
      const types = events.map((event) => event['type']);
      expectEqual(types.filter((one) => one === 'transcript.text.done').length, 1, 'the number of done events');
      expectEqual(String(types.at(-1)), 'transcript.text.done', 'the last event');
      const deltas = events.filter((event) => event['type'] === 'transcript.text.delta');
      expectEqual(deltas.map((event) => String(event['delta'])).join(''), String(events.at(-1)!['text']), 'the joined deltas'); // prettier-ignore
      expectEqual(String(events.at(-1)!['text']).trim(), await plainText(context), 'the text of the stream');
    },
  },
  ...(
    [
      ['auto', { chunking_strategy: 'auto' }],
      ['object', { 'chunking_strategy[type]': 'server_vad', 'chunking_strategy[threshold]': '0.5' }],
    ] as const
  ).map(([id, fields]): Check => ({
    id: `transcribe.chunking.${id}`,
    title: `chunking_strategy as ${id === 'auto' ? 'the word auto' : 'an object'} is accepted`,
    why: 'The official clients write an object as fields with brackets.',
    mayRefuse: ['chunking_strategy'],
    run: async (context) => void (await textOf(context, fields)),
  })),
  {
    id: 'transcribe.language-name',
    title: 'language takes a code, and an empty value means absent',
    why: 'Forms also send empty fields.',
    async run(context) {
      await textOf(context, { language: 'en' });
      await textOf(context, { language: '', prompt: '' });
    },
  },
  {
    id: 'transcribe.wav-piped',
    title: 'a WAV file with unknown sizes is read to its end',
    why: 'Recorders that write to a pipe cannot set the sizes later.',
    run: async (context) => expectEqual(await textOf(context, {}, { file: pipedWav(SECONDS) }), await plainText(context), 'the text'), // prettier-ignore
  },
  {
    id: 'transcribe.file-name',
    title: 'the format of a recording is recognised by its bytes, not by its name',
    why: 'Browsers name every recording blob.',
    run: async (context) => expectEqual(await textOf(context, {}, { name: 'blob' }), await plainText(context), 'the text'), // prettier-ignore
  },
  {
    id: 'transcribe.parallel',
    title: 'concurrent requests each get their own format',
    why: 'A service has more than one client.',
    async run(context) {
      const [json, vtt, verbose] = await Promise.all(
        ['json', 'vtt', 'verbose_json'].map((format) => send(context, { response_format: format })),
      );
      expectShape(Text, toJson(json!), 'json');
      expectThat(vtt!.text.startsWith('WEBVTT'), 'WEBVTT', vtt!.text);
      expectShape(Verbose, toJson(verbose!), 'verbose_json');
    },
  },
  {
    id: 'transcribe.translation',
    title: 'translations answer JSON with the text, and refuse diarized_json',
    why: 'The route has different formats.',
    mayRefuse: ['model'],
    async run(context) {
      await textOf(context, {}, { path: TRANSLATIONS });
      const answer = await trySend(context, { response_format: 'diarized_json' }, { path: TRANSLATIONS });
      expectError(answer, { status: 400, param: 'response_format' });
    },
  },
  {
    id: 'transcribe.unknown-fields',
    title: 'unknown fields are ignored',
    why: 'Clients of other servers send additional fields.',
    run: async (context) => void (await textOf(context, { x_unknown: 'a' })),
  },
  ...wrong.map(([id, title, fields, param, sent]): Check => ({
    id: `transcribe.invalid.${id}`,
    title,
    why: 'Clients retry a 5xx, and show the message of a 400.',
    async run(context) {
      expectError(await trySend(context, fields, sent), { status: 400, param });
    },
  })),
  {
    id: 'transcribe.json-body',
    title: 'a body of JSON is refused with 400 or 415',
    why: 'The route takes forms, and clients retry a 5xx.',
    async run(context) {
      const answer = await context.send({ path: TRANSCRIPTIONS, body: { model: context.model } });
      expectError(answer, { status: answer.status === 415 ? 415 : 400 });
    },
  },
  {
    id: 'transcribe.unknown-model',
    title: 'an unknown model is a 404 with code model_not_found',
    why: 'Clients choose another model by this code.',
    async run(context) {
      expectError(await trySend(context, { model: 'no-such-model' }), { status: 404, code: 'model_not_found' });
    },
  },
];
