import { once } from 'node:events';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { ErrorResponse } from '@effect/ai-openai/Generated';
import { SpeechAudioDeltaEvent, SpeechAudioDoneEvent, VoiceList } from '@xim/openai-schema';
import { Schema } from 'effect';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../__fixtures__/until.ts';
import { type MediaService, startMediaService } from '../../http/__fixtures__/media-service.ts';
import { framesOf } from '../../__fixtures__/test-service.ts';
import { speech } from './speech.ts';

// The engine behind it hums a tone: 0.06 s per character, at 24 kHz.
const voiceAliases = { alloy: 'alto', onyx: 'bass', fable: 'nobody' };
const path = '/v1/audio/speech';
const model = 'xim/echo-speak';
const start = (options: Parameters<typeof startMediaService>[1] = {}) =>
  startMediaService('speak', {
    ...options,
    routes: [speech],
    model: { voiceAliases },
    env: { XIM_QUEUE: '8', ...options.env },
  });

let service: MediaService;
let client: OpenAI;
beforeAll(async () => {
  service = await start();
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => service.stop());

const json = { 'content-type': 'application/json' };
const post = (fields: object, to = service) =>
  to.post(
    path,
    JSON.stringify({ model, input: 'hello there', voice: 'alto', response_format: 'pcm', ...fields }),
    json,
  );
const bytesOf = async (fields: object): Promise<Buffer> => {
  const response = await post(fields);
  if (response.status !== 200) throw new Error(await response.text());
  return Buffer.from(await response.arrayBuffer());
};
const refusalOf = async (fields: object) => {
  const response = await post(fields);
  const body: unknown = await response.json();
  return { status: response.status, ...Schema.decodeUnknownSync(ErrorResponse)(body).error };
};
/** Samples until the tone crosses zero upwards for the second time: its period. */
const periodOf = (pcm: Buffer) => {
  const samples = Array.from({ length: 1000 }, (_, i) => pcm.readInt16LE(2 * i));
  const rising = samples.flatMap((value, i) => (i > 0 && value > 0 && samples[i - 1]! <= 0 ? [i] : []));
  return rising[1]! - rising[0]!;
};

describe('an answer', () => {
  it('is the file, with its content type, and its bytes as they are made', async () => {
    const response = await post({ response_format: 'wav' });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'audio/wav']);
    expect(response.headers.get('x-request-id')).toMatch(/^req_/);
    const file = Buffer.from(await response.arrayBuffer());
    expect(file.toString('latin1', 0, 4)).toBe('RIFF');
    expect(file.readUInt32LE(40)).toBe(file.length - 44);
    const pcm = await post({});
    expect(pcm.headers.get('content-type')).toBe('audio/pcm');
    expect((await pcm.arrayBuffer()).byteLength).toBe(file.length - 44);
  });

  it('takes less time at a higher speed', async () => {
    const [slow, plain, fast] = await Promise.all([0.25, 1, 4].map((speed) => bytesOf({ speed })));
    expect(slow!.length / plain!.length).toBeCloseTo(4, 2);
    expect(plain!.length / fast!.length).toBeCloseTo(4, 2);
  });

  it.each([
    [{ voice: 'alto' }, 60],
    [{ voice: 'bass' }, 240],
    [{ voice: { id: 'bass' } }, 240],
    [{ voice: 'alloy' }, 60],
    [{ voice: 'onyx' }, 240],
    [{ voice: { id: 'onyx' } }, 240],
  ])('has the voice that was asked for: %j', async (fields, period) => {
    expect(periodOf(await bytesOf(fields))).toBe(period);
  });

  it.each([
    { instructions: '' },
    { instructions: null, speed: null, stream_format: null, seed: null },
    { stream_format: 'audio', seed: 7, unknown: 1 },
  ])('is not changed by %j', async (fields) => {
    expect((await bytesOf(fields)).equals(await bytesOf({}))).toBe(true);
  });

  it('of events has the same bytes, then the usage', async () => {
    const response = await post({ stream_format: 'sse', input: 'hello there, and more '.repeat(3) });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const frames = framesOf(await response.text()).map((frame) => JSON.parse(frame) as unknown);
    const done = SpeechAudioDoneEvent.parse(frames.pop());
    expect(done.usage).toEqual({ input_tokens: 66, output_tokens: 8, total_tokens: 74 });
    expect(frames).toHaveLength(8);
    const bytes = Buffer.concat(frames.map((f) => Buffer.from(SpeechAudioDeltaEvent.parse(f).audio, 'base64')));
    expect(bytes.equals(await bytesOf({ input: 'hello there, and more '.repeat(3) }))).toBe(true);
  });
});

describe('what is wrong is a 400 that names the field', () => {
  it.each<[string, object]>([
    ['input', { input: undefined }],
    ['input', { input: '' }],
    ['input', { input: 7 }],
    ['input', { input: 'x'.repeat(4097) }],
    ['input', { input: '😀'.repeat(4097) }],
    ['voice', { voice: undefined }],
    ['voice', { voice: null }],
    ['voice', { voice: 'nobody' }],
    ['voice', { voice: 'fable' }],
    ['voice', { voice: { id: 'nobody' } }],
    ['voice', { voice: '' }],
    ['response_format', { response_format: 'ogg' }],
    ['speed', { speed: 0 }],
    ['speed', { speed: -1 }],
    ['speed', { speed: 0.24 }],
    ['speed', { speed: 4.01 }],
    ['speed', { speed: 99 }],
    ['speed', { speed: '1' }],
    ['stream_format', { stream_format: 'websocket' }],
    ['seed', { seed: 1.5 }],
    ['instructions', { instructions: 'x'.repeat(4097) }],
    ['model', { model: null }],
  ])('%s: %j', async (param, fields) => {
    expect(await refusalOf(fields)).toMatchObject({ status: 400, type: 'invalid_request_error', param });
  });

  it('an unknown voice is told the names there are', async () => {
    expect((await refusalOf({ voice: 'nobody' })).message).toBe(
      'There is no voice "nobody". There are: alto, bass, alloy, onyx.',
    );
  });

  it.each([
    ['response_format', { response_format: undefined }],
    ['response_format', { response_format: 'opus' }],
    ['instructions', { instructions: 'Whisper.' }],
  ])('what the engine cannot do has the request’s name: %s', async (param, fields) => {
    for (const stream_format of ['audio', 'sse']) {
      expect(await refusalOf({ ...fields, stream_format })).toMatchObject({
        status: 400,
        code: 'unsupported_parameter',
        param,
      });
    }
  });

  it('a model that is not served is a 404', async () => {
    expect(await refusalOf({ model: 'tts-9' })).toMatchObject({ status: 404, code: 'model_not_found' });
  });

  it('a service of another task says so', async () => {
    const other = await startMediaService('transcribe', { routes: [speech] });
    const response = await post({ model: 'xim/echo-transcribe' }, other);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param: 'voice' } });
    await other.stop();
  });
});

describe('the longest text', () => {
  it('is 4,096 characters, however many units they have', async () => {
    for (const input of ['x'.repeat(4096), '😀'.repeat(4096)]) {
      expect((await post({ input, speed: 4 })).status).toBe(200);
    }
  });

  it('is refused fast where it is a megabyte, and the next text is spoken', async () => {
    const { status, param } = await refusalOf({ input: 'la '.repeat(350_000) });
    expect({ status, param }).toEqual({ status: 400, param: 'input' });
    expect((await post({})).status).toBe(200);
  });

  it('is a setting', async () => {
    const own = await start({ env: { XIM_MAX_INPUT_CHARACTERS: '5000' } });
    const statuses = [5000, 5001].map(async (length) => (await post({ input: 'x'.repeat(length) }, own)).status);
    expect(await Promise.all(statuses)).toEqual([200, 400]);
    await own.stop();
  });
});

describe('the voices', () => {
  it('are listed, with the aliases that mean one', async () => {
    const response = await fetch(`${service.url}/v1/audio/voices`);
    const { voices } = VoiceList.parse(await response.json());
    expect(voices.map(({ id, name }) => [id, name])).toEqual([
      ['alto', 'alto'],
      ['bass', 'bass'],
      ['alloy', 'alto'],
      ['onyx', 'bass'],
    ]);
    expect(voices[0]).toMatchObject({ object: 'audio.voice', created_at: 1_762_000_000 });
  });
});

describe('the official client', () => {
  it('gets the file', async () => {
    const response = await client.audio.speech.create({ model, input: 'hi', voice: 'alloy', response_format: 'wav' });
    const file = Buffer.from(await response.arrayBuffer());
    expect(file.toString('latin1', 8, 12)).toBe('WAVE');
    const custom = await client.audio.speech.create({
      model,
      input: 'hi',
      voice: { id: 'alto' },
      response_format: 'wav',
    });
    expect(Buffer.from(await custom.arrayBuffer()).equals(file)).toBe(true);
  });

  it('throws its own errors', async () => {
    const speak = (fields: object) => client.audio.speech.create({ model, input: 'hi', voice: 'alloy', ...fields });
    await expect(speak({ speed: 9 })).rejects.toThrow(OpenAI.BadRequestError);
    await expect(speak({ model: 'none' })).rejects.toThrow(OpenAI.NotFoundError);
  });
});

/** The head of an answer whose body nobody reads yet. */
async function open({ url }: MediaService, fields: object): Promise<IncomingMessage> {
  const sent = requestHttp(`${url}${path}`, { method: 'POST', headers: json });
  sent.end(JSON.stringify({ model, voice: 'alto', response_format: 'pcm', ...fields }));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return response.on('error', () => undefined);
}

describe('with other clients', () => {
  // 4,096 characters at a quarter of the speed are 47 MB: more than sockets hold.
  const long = { input: 'la '.repeat(1365), speed: 0.25 };

  it('one that reads nothing holds only its own call', async () => {
    const own = await start();
    const slow = await open(own, long);
    for (let i = 0; i < 3; i++) expect((await post({}, own)).status).toBe(200);
    await until(() => own.requests().filter((line) => line['route'] === path).length === 3, 'three calls are logged');
    let size = 0;
    for await (const chunk of slow) size += (chunk as Buffer).length;
    expect(size).toBe(4095 * 4 * 2 * 1440);
    await own.stop();
  });

  it.each(['audio', 'sse'])('one that leaves frees its slot, and the next is served (%s)', async (stream_format) => {
    const own = await start({ env: { XIM_SLOTS: '1' }, echo: { rate: 50 } });
    const leaver = await open(own, { ...long, stream_format });
    await once(leaver, 'data');
    leaver.destroy();
    await own.idle();
    expect((await post({}, own)).status).toBe(200);
    await until(() => own.requests().some((line) => line['status'] === 499), 'the request that was left is logged');
    await own.stop();
  });

  it('an engine that dies on the way cuts the file off', async () => {
    const own = await start({ echo: { faults: { dieAfterTokens: 3 } } });
    const file = await post({ input: 'la '.repeat(100) }, own);
    expect(file.status).toBe(200);
    await expect(file.arrayBuffer()).rejects.toThrow();
    await own.stop();
  });

  it('an engine that dies on the way is the last event of a stream', async () => {
    const own = await start({ echo: { faults: { dieAfterTokens: 3 } } });
    const events = await post({ input: 'la '.repeat(100), stream_format: 'sse' }, own);
    const frames = framesOf(await events.text()).map((frame) => JSON.parse(frame) as { type: string });
    expect([...new Set(frames.map(({ type }) => type))]).toEqual(['speech.audio.delta', 'error']);
    expect(Schema.decodeUnknownSync(ErrorResponse)(frames.at(-1)).error.code).toBe('engine_dead');
    await own.stop();
  });
});

it('counts characters, seconds of audio, and their ratio to time', async () => {
  const own = await start();
  expect((await post({ input: '0123456789' }, own)).status).toBe(200);
  const valueOf = async (name: string) => Number((await own.metrics(`${name}{`))[0]!.split(' ').at(-1));
  expect(await valueOf('xim_input_characters_total')).toBe(10);
  // The last byte may reach the client before the call has ended.
  const ended = { timeout: 20_000, interval: 10 };
  await expect.poll(() => valueOf('xim_real_time_factor_count'), ended).toBe(1);
  expect(await valueOf('xim_audio_seconds_total')).toBeCloseTo(0.6);
  expect(await valueOf('xim_time_to_first_token_seconds_count')).toBe(1);
  await own.stop();
});
