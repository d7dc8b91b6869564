import { EngineDeadError, InvalidInputError, type TranscribeEvent, type TranscribeInput } from '@xim/engine';
import {
  Transcription,
  TranscriptionDiarized,
  type TranscriptionStreamEvent,
  TranscriptionVerbose,
} from '@xim/openai-schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  startEcho,
  startScripted,
  type TranscriptionService,
  TRANSLATIONS,
  wavFile,
} from './__fixtures__/transcription-service.ts';

let echo: TranscriptionService;
let scripted: TranscriptionService;
const inputs: TranscribeInput[] = [];
let script: (input: TranscribeInput) => AsyncIterable<TranscribeEvent>;

beforeAll(async () => {
  const transcribe = (input: TranscribeInput) => {
    inputs.push(input);
    return script(input);
  };
  [echo, scripted] = await Promise.all([startEcho(), startScripted(transcribe, { languages: ['en', 'de', 'yue'] })]);
});
afterAll(() => Promise.all([echo.close(), scripted.close()]));

async function* nothing(): AsyncGenerator<TranscribeEvent> {
  yield { type: 'start', duration: 5 };
  yield { type: 'end', duration: 5, language: 'en' };
}

const TEXT = 'From 0.0 to 2.0 seconds. From 2.0 to 4.0 seconds. From 4.0 to 5.0 seconds.';
const CLIP = `data:audio/wav;base64,${Buffer.from('a clip').toString('base64')}`;

/** What the engine was asked for, but for the recording. */
async function inputOf(fields: Parameters<TranscriptionService['send']>[0], path?: string) {
  script = nothing;
  const answer = await scripted.send(fields, path);
  expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)]);
  const { audio, ...input } = inputs.at(-1)!;
  expect(audio).toEqual({ path: expect.any(String) });
  return input;
}

async function framesOf(answer: Response): Promise<TranscriptionStreamEvent[]> {
  expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
  const blocks = (await answer.text()).split('\n\n').filter((block) => block.startsWith('data: '));
  return blocks.map((block) => JSON.parse(block.slice('data: '.length)) as TranscriptionStreamEvent);
}

describe('response_format', () => {
  it.each([undefined, 'json', ''])('%s is the text and its usage', async (format) => {
    const answer = await echo.send(format === undefined ? {} : { response_format: format });
    const body = Transcription.strict().parse(await answer.json());
    expect(body).toMatchObject({ text: TEXT, usage: { type: 'tokens', input_tokens: 250 } });
  });

  it('verbose_json has segments, and words where they are asked for', async () => {
    const verbose = async (granularities: readonly string[], name = 'timestamp_granularities[]') => {
      const answer = await echo.send({ response_format: 'verbose_json', [name]: granularities });
      return TranscriptionVerbose.strict().parse(await answer.json());
    };
    const plain = await verbose([]);
    expect(plain).toMatchObject({ task: 'transcribe', language: 'english', duration: 5, text: TEXT });
    expect(plain.usage).toEqual({ type: 'duration', seconds: 5 });
    expect(plain.words).toBeUndefined();
    expect(plain.segments!.map(({ start, seek }) => [start, seek])).toEqual([[0, 0], [2, 200], [4, 400]]); // prettier-ignore
    expect(plain.segments![0]!.tokens.length).toBeGreaterThan(0);

    const words = await verbose(['word']);
    expect(words.segments).toBeUndefined();
    expect(words.words!.map(({ word }) => word).join(' ')).toBe(TEXT);
    for (const name of ['timestamp_granularities[]', 'timestamp_granularities']) {
      const both = await verbose(['word', 'segment'], name);
      expect([both.words?.length, both.segments?.length]).toEqual([15, 3]);
    }
  });

  it('text, srt and vtt are bare, each with its type', async () => {
    const read = async (format: string) => {
      const answer = await echo.send({ response_format: format });
      return [answer.headers.get('content-type'), await answer.text()];
    };
    expect(await Promise.all(['text', 'srt', 'vtt'].map(read))).toEqual([
      ['text/plain; charset=utf-8', `${TEXT}\n`],
      ['application/x-subrip; charset=utf-8', expect.stringMatching(/^1\n00:00:00,000 --> 00:00:02,000\nFrom 0\.0/)],
      ['text/vtt; charset=utf-8', expect.stringMatching(/^WEBVTT\n\n00:00:00\.000 --> 00:00:02\.000\nFrom 0\.0/)],
    ]);
  });

  it('diarized_json names the speakers', async () => {
    const send = async (more: Record<string, string | readonly string[]>) => {
      const answer = await echo.send({ response_format: 'diarized_json', ...more });
      return TranscriptionDiarized.strict().parse(await answer.json());
    };
    const plain = await send({});
    expect(plain).toMatchObject({ task: 'transcribe', duration: 5, text: TEXT });
    expect(plain.segments.map(({ speaker }) => speaker)).toEqual(['A', 'B', 'A']);
    expect(plain.segments[1]).toMatchObject({ type: 'transcript.text.segment', id: 'seg_1', start: 2, end: 4 });
    expect((await send({ num_speakers: '3' })).segments.map(({ speaker }) => speaker)).toEqual(['A', 'B', 'C']);

    const bytes = Buffer.from(await wavFile(2).arrayBuffer()).toString('base64');
    const known = {
      'known_speaker_names[]': ['Ann'],
      'known_speaker_references[]': [`data:audio/wav;base64,${bytes}`],
    };
    expect((await send(known)).segments.map(({ speaker }) => speaker)).toEqual(['Ann', 'A', 'Ann']);
  });

  it('json has probabilities where include[] asks for them', async () => {
    const body = Transcription.parse(await (await echo.send({ 'include[]': ['logprobs'] })).json());
    const bytes = body.logprobs!.flatMap((one) => one.bytes);
    expect(Buffer.from(bytes).toString().trim()).toBe(TEXT);
  });

  it('parallel requests each get their own', async () => {
    const formats = ['json', 'text', 'srt', 'vtt', 'verbose_json', 'diarized_json', 'json', 'srt'];
    const starts = await Promise.all(
      formats.map(async (format) => (await (await echo.send({ response_format: format })).text()).slice(0, 8)),
    );
    expect(starts).toEqual(['{"text":', 'From 0.0', '1\n00:00:', 'WEBVTT\n\n', '{"task":', '{"task":', '{"text":', '1\n00:00:']); // prettier-ignore
  });
});

describe('stream', () => {
  it('has deltas that join to the text, and one done at the end', async () => {
    const events = await framesOf(await echo.send({ stream: 'true', 'include[]': 'logprobs' }));
    const deltas = events.filter((event) => event.type === 'transcript.text.delta');
    expect(events.map(({ type }) => type)).toEqual([...deltas.map(({ type }) => type), 'transcript.text.done']);
    expect(deltas.map(({ delta }) => delta).join('')).toBe(TEXT);
    const done = events.at(-1)!;
    expect(done).toMatchObject({ text: TEXT, usage: { type: 'tokens' } });
    expect(done).toHaveProperty(
      'logprobs',
      deltas.flatMap(({ logprobs }) => logprobs),
    );
  });

  it('with diarized_json has a segment after its delta', async () => {
    const events = await framesOf(await echo.send({ stream: 'True', response_format: 'diarized_json' }));
    expect(events.slice(0, 2)).toMatchObject([
      { type: 'transcript.text.delta', segment_id: 'seg_0' },
      { type: 'transcript.text.segment', id: 'seg_0', speaker: 'A', text: 'From 0.0 to 2.0 seconds.' },
    ]);
    expect(events.at(-1)!.type).toBe('transcript.text.done');
  });

  it('of silence is one done, and space between segments is neither lost nor doubled', async () => {
    script = nothing;
    const [done, ...more] = await framesOf(await scripted.send({ stream: 'true' }));
    expect([done, more]).toEqual([{ type: 'transcript.text.done', text: '' }, []]);

    script = async function* () {
      yield { type: 'start', duration: 9 };
      for (const [id, text] of [' ', 'One ', ' ', '\n', 'two', 'three. '].entries())
        yield { type: 'segment', segment: { id, start: id, end: id + 1, text } };
      yield { type: 'end', duration: 9, language: 'de' };
    };
    const events = await framesOf(await scripted.send({ stream: 'true' }));
    const deltas = events.flatMap((event) => (event.type === 'transcript.text.delta' ? [event.delta] : []));
    const whole = Transcription.parse(await (await scripted.send({})).json());
    expect(deltas).toEqual(['One', '  \ntwo', 'three.']);
    expect(deltas.join('')).toBe(whole.text);
    expect(whole.usage).toEqual({ type: 'duration', seconds: 9 });
  });

  it('that fails on the way ends with the error, and one that cannot begin is a plain status', async () => {
    script = async function* () {
      yield { type: 'start', duration: 9 };
      throw new EngineDeadError('It died.');
    };
    expect(await framesOf(await scripted.send({ stream: 'true' }))).toEqual([
      { error: expect.objectContaining({ code: 'engine_dead' }) },
    ]);
    const broken = await echo.send({ stream: 'true', file: new File(['noise'], 'a.wav') });
    expect([broken.status, await broken.json()]).toMatchObject([400, { error: { param: 'file' } }]);
  });
});

describe('what an engine is asked for', () => {
  it.each<[string, Record<string, string | readonly string[]>, object]>([
    ['nothing', { language: '', prompt: '', x_unknown: '1' }, {}],
    ['a code', { language: 'de' }, { language: 'de' }],
    ['a region', { language: 'en-US' }, { language: 'en' }],
    ['a name', { language: 'Cantonese' }, { language: 'yue' }],
    ['segments, as the AI SDK sends them with json', { 'timestamp_granularities[]': 'segment' }, {}],
    ['languages', { 'languages[]': ['german'] }, { language: 'de' }],
    ['words', { response_format: 'verbose_json', timestamp_granularities: 'word' }, { words: true }],
    ['sampling', { prompt: 'Ann, Bob', temperature: '0.4' }, { prompt: 'Ann, Bob', temperature: 0.4 }],
    ['hot words', { hotwords: 'Xeon', 'keywords[]': ['AMX'] }, { hotwords: ['AMX', 'Xeon'] }],
    ['no filter', { vad_filter: 'false' }, { voiceActivity: false }],
    ['auto', { chunking_strategy: 'auto' }, { voiceActivity: true }],
    [
      'an object as the clients send it',
      { 'chunking_strategy[type]': 'server_vad', 'chunking_strategy[threshold]': '0.6' },
      { voiceActivity: { threshold: 0.6 } },
    ],
    [
      'an object as JSON',
      { chunking_strategy: '{"type": "server_vad", "prefix_padding_ms": 100, "silence_duration_ms": 250}' },
      { voiceActivity: { padding: 0.1, silence: 0.25 } },
    ],
    ['speakers', { response_format: 'diarized_json' }, { speakers: {} }],
    [
      'bounds',
      { response_format: 'verbose_json', min_speakers: '2', max_speakers: '4' },
      { speakers: { min: 2, max: 4 } },
    ],
    [
      'known speakers',
      { response_format: 'diarized_json', 'known_speaker_names[]': 'Ann', 'known_speaker_references[]': CLIP },
      { speakers: { known: [{ name: 'Ann', audio: { bytes: new Uint8Array(Buffer.from('a clip')) } }] } },
    ],
  ])('%s', async (_, fields, expected) => {
    expect(await inputOf(fields)).toEqual(expected);
  });

  it('English, by the other route', async () => {
    expect(await inputOf({ language: 'german', prompt: 'a' }, TRANSLATIONS)).toEqual({
      ...{ language: 'de', prompt: 'a', translate: true },
    });
  });
});

describe('what is refused', () => {
  const diarized = { response_format: 'diarized_json' };
  const wav = new File(['RIFF'], 'a.wav');
  it.each<[string, Record<string, string | readonly string[] | Blob>, string]>([
    ['an unknown language', { language: 'klingon' }, 'language'],
    ['a language that the model has not', { language: 'fr' }, 'language'],
    ['several languages', { 'languages[]': ['de', 'en'] }, 'languages'],
    ['an unknown format', { response_format: 'xml' }, 'response_format'],
    ['a temperature out of range', { temperature: '1.1' }, 'temperature'],
    ['a temperature that is no number', { temperature: 'warm' }, 'temperature'],
    ['words without verbose_json', { 'timestamp_granularities[]': ['word'] }, 'timestamp_granularities'],
    ['an unknown granularity', { response_format: 'verbose_json', 'timestamp_granularities[]': 'line' }, 'timestamp_granularities.0'], // prettier-ignore
    ['probabilities beside subtitles', { response_format: 'srt', 'include[]': 'logprobs' }, 'include'],
    ['a stream of subtitles', { response_format: 'vtt', stream: 'true' }, 'stream'],
    ['a stream that is neither', { stream: 'maybe' }, 'stream'],
    ['an unknown strategy', { chunking_strategy: 'never' }, 'chunking_strategy'],
    ['a threshold out of range', { 'chunking_strategy[type]': 'server_vad', 'chunking_strategy[threshold]': '2' }, 'chunking_strategy.threshold'], // prettier-ignore
    ['a filter that contradicts it', { chunking_strategy: 'auto', vad_filter: '0' }, 'vad_filter'],
    ['speakers where no answer has any', { num_speakers: '2' }, 'num_speakers'],
    ['no speakers', { ...diarized, num_speakers: '0' }, 'num_speakers'],
    ['bounds the wrong way round', { ...diarized, min_speakers: '3', max_speakers: '2' }, 'min_speakers'],
    ['a name without a clip', { ...diarized, 'known_speaker_names[]': 'Ann' }, 'known_speaker_references'],
    ['a clip that is no data URL', { ...diarized, 'known_speaker_names[]': 'Ann', 'known_speaker_references[]': 'https://example.com/a.wav' }, 'known_speaker_references.0'], // prettier-ignore
    ['five speakers', { ...diarized, 'known_speaker_names[]': ['a', 'b', 'c', 'd', 'e'] }, 'known_speaker_names'],
    ['no model', { model: '' }, 'model'],
    ['text as the file', { file: 'hello' }, 'file'],
    ['an empty file', { file: new File([], 'a.wav') }, 'file'],
    ['two files', { file: [wav, wav] as never }, 'file'],
  ])('%s', async (_, fields, param) => {
    const answer = await scripted.send(fields);
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { error: { type: 'invalid_request_error', param, message: expect.any(String) } },
    ]);
  });

  it.each([
    ['speakers', { response_format: 'diarized_json' }, 'response_format'],
    ['logprobs', { include: 'logprobs' }, 'include'],
    ['speakers.known.1.audio', {}, 'known_speaker_references.1'],
  ])('%s by an engine, under the name of the form', async (param, fields, expected) => {
    script = async function* () {
      throw new InvalidInputError('Not here.', { param, code: 'XIM_UNSUPPORTED_PARAMETER' });
    };
    const answer = await scripted.send(fields);
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { error: { param: expected, code: 'unsupported_parameter' } },
    ]);
  });

  it('an unknown model, a JSON body', async () => {
    expect((await echo.send({ model: 'nobody' })).status).toBe(404);
    const headers = { 'content-type': 'application/json' };
    const json = await fetch(`${echo.origin}/v1/audio/transcriptions`, { method: 'POST', body: '{}', headers });
    expect(json.status).toBe(415);
  });
});

describe('translations', () => {
  it('have four formats of their own', async () => {
    const read = async (format: string) => (await echo.send({ response_format: format }, TRANSLATIONS)).text();
    expect(JSON.parse(await read('json'))).toEqual({ text: expect.stringMatching(/^In English, from 0\.0/) });
    expect(JSON.parse(await read('verbose_json'))).toMatchObject({
      task: 'translate',
      language: 'english',
      duration: 5,
    });
    expect(await read('text')).toMatch(/^In English, .*\n$/);
    expect(await read('srt')).toMatch(/^1\n00:00:00,000 --> /);
    expect(await read('vtt')).toMatch(/^WEBVTT\n/);
  });

  it.each([
    [{ stream: 'true' }, 'stream'],
    [{ response_format: 'diarized_json' }, 'response_format'],
    [{ 'timestamp_granularities[]': 'word' }, 'timestamp_granularities.0'],
  ])('refuse %j', async (fields, param) => {
    const answer = await echo.send(fields, TRANSLATIONS);
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { param } }]);
  });
});

describe('the service', () => {
  it('documents both routes with their fields', async () => {
    const { paths, components } = JSON.parse(await echo.get('/openapi.json')) as {
      paths: Record<string, { post: { requestBody: { content: Record<string, unknown> } } }>;
      components: { schemas: Record<string, { properties: Record<string, unknown>; required: string[] }> };
    };
    expect(Object.keys(paths['/v1/audio/transcriptions']!.post.requestBody.content)).toEqual(['multipart/form-data']);
    expect(paths).toHaveProperty('/v1/audio/translations');
    const form = Object.entries(components.schemas).find(([name]) => name.startsWith('TranscriptionForm'))![1];
    expect(Object.keys(form.properties)).toEqual(expect.arrayContaining(['file', 'known_speaker_names', 'hotwords']));
    expect(form.required.toSorted()).toEqual(['file', 'model']);
  });

  it('counts recordings and their tokens', async () => {
    const read = async (name: string) => {
      const line = (await echo.get('/metrics')).split('\n').find((one) => one.startsWith(`${name}{`))!;
      return Number(line.split(' ').at(-1));
    };
    const names = ['xim_uploads_total', 'xim_upload_bytes_total', 'xim_output_tokens_total'];
    const before = await Promise.all(names.map(read));
    const { usage } = Transcription.parse(await (await echo.send({})).json());
    const after = await Promise.all(names.map(read));
    const { output_tokens: tokens } = usage as { output_tokens: number };
    expect(after.map((value, at) => value - before[at]!)).toEqual([1, wavFile(5).size, tokens]);
    expect(await read('xim_time_to_first_token_seconds_count')).toBeGreaterThan(0);
  });

  it('lists its names', async () => {
    const { data } = JSON.parse(await echo.get('/v1/models')) as { data: { id: string }[] };
    expect(data.map(({ id }) => id)).toEqual(['xim/echo-transcribe', 'whisper-1', 'gpt-4o-transcribe']);
  });
});
