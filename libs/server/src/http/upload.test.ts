import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../__fixtures__/until.ts';
import {
  BOUNDARY,
  fieldPart,
  fileHead,
  form,
  FORM_END,
  FORM_TYPE,
  openUpload,
  wav,
} from './__fixtures__/form-client.ts';
import { type MediaService, startMediaService } from './__fixtures__/media-service.ts';

const MB = 1 << 20;

let service: MediaService;

describe('a form', () => {
  beforeAll(async () => {
    service = await startMediaService('transcribe');
  });
  afterEach(() => service.idle());
  afterAll(() => service.stop());

  it('has its files on disk and its fields in memory, in any order, lists in both spellings', async () => {
    const data = form({ prompt: 'before', file: wav(1), image: wav(2), language: 'de', 'include[]': 'logprobs' });
    data.append('timestamp_granularities', 'word');
    data.append('unknown', 'a');
    data.append('unknown', 'b');
    const answer = await service.post('/test/form', data);
    expect(await answer.json()).toEqual({
      fields: {
        prompt: 'before',
        language: 'de',
        include: ['logprobs'],
        timestamp_granularities: ['word'],
        unknown: ['a', 'b'],
      },
      files: [
        { field: 'file', name: 'sound.wav', mediaType: 'audio/wav', bytes: 144 },
        { field: 'image', name: 'sound.wav', mediaType: 'audio/wav', bytes: 244 },
      ],
    });
    const brackets = form({ 'timestamp_granularities[]': ['word', 'segment'], 'image[]': [wav(0), wav(0)] });
    expect(await (await service.post('/test/form', brackets)).json()).toMatchObject({
      fields: { timestamp_granularities: ['word', 'segment'] },
      files: [{ field: 'image' }, { field: 'image' }],
    });
  });

  it('may wait in the queue and arrive slowly without Node’s own limit for a request', () => {
    expect(service.app.server.requestTimeout).toBe((600 + 300 + 10) * 1000);
  });

  it('reaches the engine as a path', async () => {
    const answer = await service.post('/test/transcribe', form({ file: wav(5), 'timestamp_granularities[]': 'word' }));
    expect(await answer.json()).toMatchObject({
      bytes: 544,
      events: [
        { type: 'start', duration: 5 },
        { segment: { id: 0, words: [{}, {}, {}, {}, {}] } },
        {},
        {},
        {},
        {},
        {},
        { type: 'end' },
      ],
    });
  });

  it('never makes a path of a file name', async () => {
    const body = `${fileHead('file', '../../../../tmp/xim-escaped')}x${FORM_END}`;
    expect(await (await service.post('/test/form', body, { 'content-type': FORM_TYPE })).json()).toMatchObject({
      files: [{ field: 'file', bytes: 1 }],
    });
  });

  it('that the route or the engine refuses after it was read leaves nothing', async () => {
    const missing = await service.post('/test/transcribe', form({ prompt: 'no file' }));
    expect([missing.status, await missing.json()]).toMatchObject([400, { error: { param: 'file' } }]);
    const noise = await service.post('/test/transcribe', form({ file: new Blob(['no wav']) }));
    expect([noise.status, await noise.json()]).toMatchObject([400, { error: { param: 'audio' } }]);
  });

  it.each([
    ['JSON', 415, 'unsupported_media_type', 'application/json', '{}'],
    ['another media type', 415, 'unsupported_media_type', 'audio/wav', 'RIFF'],
    ['no boundary', 400, 'malformed_body', 'multipart/form-data', 'x'],
    ['an empty body', 400, 'malformed_body', FORM_TYPE, ''],
    ['no form at all', 400, 'malformed_body', FORM_TYPE, 'this is text'],
    ['a form that is cut', 400, 'malformed_body', FORM_TYPE, `${fileHead()}RIFF`],
    [
      'a field without a name',
      400,
      'malformed_body',
      FORM_TYPE,
      `--${BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nx${FORM_END}`,
    ],
    ['a name of JavaScript', 400, 'malformed_body', FORM_TYPE, fieldPart('__proto__[]', 'x') + FORM_END],
    ['a long name', 400, 'malformed_body', FORM_TYPE, fieldPart('n'.repeat(101), 'x') + FORM_END],
    ['a long field', 400, 'malformed_body', FORM_TYPE, fieldPart('prompt', 'x'.repeat(MB + 1)) + FORM_END],
    ['many fields', 400, 'malformed_body', FORM_TYPE, fieldPart('a', 'x').repeat(65) + FORM_END],
    ['many files', 400, 'malformed_body', FORM_TYPE, `${fileHead()}x\r\n`.repeat(18) + FORM_END],
  ])('is refused where it is %s', async (_what, status, code, type, body) => {
    const answer = await service.post('/test/form', body, { 'content-type': type });
    const json = (await answer.json()) as { error: { message: string } };
    expect([answer.status, json]).toMatchObject([
      status,
      { error: { code, type: 'invalid_request_error', param: null } },
    ]);
    expect(json.error.message).toMatch(/^[A-Z].*\.$/);
  });

  it('is refused where it is empty and has no Content-Length', async () => {
    const { request, answer } = openUpload(`${service.url}/test/form`, { 'transfer-encoding': 'chunked' });
    request.end();
    expect(await answer).toMatchObject({ status: 400, json: { error: { code: 'malformed_body' } } });
  });

  it('that its client cuts is no failure of the service', async () => {
    const before = service.statuses().length;
    const { request, answer } = openUpload(`${service.url}/test/form`);
    request.write(fileHead());
    request.write(Buffer.alloc(MB));
    await until(() => service.left().length === 1, 'the upload has begun');
    request.destroy();
    await expect(answer).rejects.toThrow();
    await until(() => service.statuses().length > before, 'the request has ended');
    expect(service.statuses().at(-1)).toBe(499);
    expect(await service.metrics('xim_requests_total{')).not.toContainEqual(expect.stringMatching(/status="5/));
  });

  it('of 50 MB passes through little memory', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const used = (): number => {
      collect();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const { request, answer } = openUpload(`${service.url}/test/form`);
    request.write(fileHead());
    const piece = Buffer.alloc(64 << 10);
    const before = used();
    let most = 0;
    for (let sent = 0; sent < 50 * MB; sent += piece.length) {
      if (!request.write(piece)) await once(request, 'drain');
      if (sent % (5 * MB) === 0) most = Math.max(most, used() - before);
    }
    request.end(FORM_END);
    expect((await answer).json).toMatchObject({ files: [{ bytes: 50 * MB }] });
    expect(most).toBeLessThan(20 * MB);
  });
});

it('for a picture that the engine does not change is refused after its body', async () => {
  service = await startMediaService('generateImage');
  const answer = await service.post('/test/edit', form({ image: wav(1), prompt: 'a house' }));
  expect([answer.status, await answer.json()]).toMatchObject([400, { error: { param: 'image' } }]);
  const { types } = (await (await service.post('/test/edit', form({ prompt: 'a house' }))).json()) as {
    types: string[];
  };
  expect(types.at(-1)).toBe('end');
  await service.idle();
  await service.stop();
});

it('a service that takes uploads does not start where XIM_TMP cannot hold them', async () => {
  await expect(startMediaService('transcribe', { tmp: '/proc' })).rejects.toThrow(
    /XIM_TMP="\/proc" cannot hold uploads/,
  );
});
