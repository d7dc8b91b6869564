import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../__fixtures__/until.ts';
import {
  BOUNDARY,
  fieldPart,
  fileHead,
  FORM_END,
  FORM_TYPE,
  openUpload,
  sendThenRead,
} from './__fixtures__/form-client.ts';
import { type MediaOptions, type MediaService, startMediaService } from './__fixtures__/media-service.ts';
import { silentWav } from './__fixtures__/silent-wav.ts';

const MB = 1 << 20;

let service: MediaService;

const post = (path: string, body: string | FormData, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${service.url}${path}`, { method: 'POST', body, headers });
const postRaw = (path: string, body: string): Promise<Response> => post(path, body, { 'content-type': FORM_TYPE });

function form(entries: Record<string, string | Blob | readonly (string | Blob)[]>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(entries)) {
    for (const one of [value].flat()) {
      if (typeof one === 'string') data.append(name, one);
      else data.append(name, one, 'sound.wav');
    }
  }
  return data;
}
const wav = (seconds: number): Blob => new Blob([new Uint8Array(silentWav(seconds))], { type: 'audio/wav' });

/** The service as it is between two requests: no slot taken, no file left. */
async function expectIdle(): Promise<void> {
  const sum = async (): Promise<number> =>
    (await service.metrics('xim_running_sequences{'))
      .concat(await service.metrics('xim_queue_sequences{'))
      .reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
  for (let i = 0; i < 1000 && (await sum()) > 0; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await sum()).toBe(0);
  await until(() => service.left().length === 0, 'nothing is left in XIM_TMP');
}
const statuses = (): unknown[] =>
  service
    .requests()
    .filter(isTest)
    .map((line) => line['status']);
const isTest = (line: Readonly<Record<string, unknown>>): boolean => String(line['route']).startsWith('/test/');

describe('a form', () => {
  beforeAll(async () => {
    service = await startMediaService('transcribe');
  });
  afterEach(expectIdle);
  afterAll(() => service.stop());

  it('has its files on disk and its fields in memory, in any order, lists in both spellings', async () => {
    const data = form({ prompt: 'before', file: wav(1), image: wav(2), language: 'de', 'include[]': 'logprobs' });
    data.append('timestamp_granularities', 'word');
    data.append('unknown', 'a');
    data.append('unknown', 'b');
    const answer = await post('/test/form', data);
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
    expect(await (await post('/test/form', brackets)).json()).toMatchObject({
      fields: { timestamp_granularities: ['word', 'segment'] },
      files: [{ field: 'image' }, { field: 'image' }],
    });
  });

  it('may wait in the queue and arrive slowly without Node’s own limit for a request', () => {
    expect(service.app.server.requestTimeout).toBe((600 + 300 + 10) * 1000);
  });

  it('reaches the engine as a path', async () => {
    const answer = await post('/test/transcribe', form({ file: wav(5), 'timestamp_granularities[]': 'word' }));
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
    expect(await (await postRaw('/test/form', body)).json()).toMatchObject({ files: [{ field: 'file', bytes: 1 }] });
  });

  it('that the route or the engine refuses after it was read leaves nothing', async () => {
    const missing = await post('/test/transcribe', form({ prompt: 'no file' }));
    expect([missing.status, await missing.json()]).toMatchObject([400, { error: { param: 'file' } }]);
    const noise = await post('/test/transcribe', form({ file: new Blob(['no wav']) }));
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
    const answer = await post('/test/form', body, { 'content-type': type });
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
    const before = statuses().length;
    const { request, answer } = openUpload(`${service.url}/test/form`);
    request.write(fileHead());
    request.write(Buffer.alloc(MB));
    await until(() => service.left().length === 1, 'the upload has begun');
    request.destroy();
    await expect(answer).rejects.toThrow();
    await until(() => statuses().length > before, 'the request has ended');
    expect(statuses().at(-1)).toBe(499);
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
    expect(most).toBeLessThan(10 * MB);
  });
});

describe('an upload', () => {
  const sockets: Socket[] = [];
  const start = async (options: MediaOptions = {}): Promise<void> => {
    service = await startMediaService('transcribe', options);
    sockets.length = 0;
    service.app.server.on('connection', (socket) => void sockets.push(socket));
  };
  const begin = (path: string, headers: Record<string, string> = {}) => {
    const upload = openUpload(`${service.url}${path}`, headers);
    upload.request.write(fileHead());
    return upload;
  };
  afterEach(async () => {
    await expectIdle();
    await service.stop();
  });

  it('beyond the limit is refused before it is read where its length is known', async () => {
    await start({ env: { XIM_UPLOAD_LIMIT_BYTES: '1000' } });
    const { request, answer } = begin('/test/form', { 'content-length': String(100 * MB) });
    const { status, json } = await answer;
    expect([status, json]).toMatchObject([413, { error: { code: 'request_too_large' } }]);
    expect((json as { error: { message: string } }).error.message).toMatch(/1000 bytes.*XIM_UPLOAD_LIMIT_BYTES/);
    request.destroy();
    expect((await service.metrics('xim_queue_wait_seconds_count'))[0]).toMatch(/ 0$/); // it never came to admission
  });

  it.each([
    ['', []],
    [' and close', ['Connection: close']],
  ])(
    'beyond the limit is refused at the limit; clients that send to their end%s get the answer',
    async (_how, head) => {
      await start({ env: { XIM_UPLOAD_LIMIT_BYTES: String(MB) } });
      const body = Buffer.concat([Buffer.from(fileHead()), Buffer.alloc(32 * MB)]);
      const known = await sendThenRead(
        `${service.url}/test/form`,
        [`Content-Type: ${FORM_TYPE}`, `Content-Length: ${body.length + FORM_END.length}`, ...head],
        body,
      );
      expect(known).toMatch(/^HTTP\/1\.1 413 [^]*request_too_large/);
      const size = `${(body.length + FORM_END.length).toString(16)}\r\n`;
      const chunked = await sendThenRead(
        `${service.url}/test/form`,
        [`Content-Type: ${FORM_TYPE}`, 'Transfer-Encoding: chunked', ...head],
        Buffer.concat([Buffer.from(size), body]),
      );
      expect(chunked).toMatch(/^HTTP\/1\.1 413 [^]*request_too_large/);
    },
  );

  it('that is too slow is a 408, and its slot is free', async () => {
    await start({ env: { XIM_UPLOAD_TIMEOUT_SECONDS: '0.2', XIM_SLOTS: '1' } });
    const { request, answer } = begin('/test/form');
    const { status, headers, json } = await answer;
    expect([status, json]).toMatchObject([408, { error: { code: 'upload_timeout' } }]);
    expect(headers['x-should-retry']).toBe('false');
    request.destroy();
  });

  it('does not count against the deadline of its call, which begins with its end', async () => {
    await start({ echo: { rate: 0.01 }, env: { XIM_REQUEST_TIMEOUT_SECONDS: '0.3' } });
    const patient = begin('/test/form');
    await new Promise((resolve) => setTimeout(resolve, 500));
    patient.request.end(`x${FORM_END}`);
    expect(await patient.answer).toMatchObject({ status: 200 });
    const late = await post('/test/transcribe', form({ file: wav(10) }));
    expect([late.status, await late.json()]).toMatchObject([504, { error: { code: 'deadline_exceeded' } }]);
  });

  it('of a call whose engine dies is deleted', async () => {
    await start({ echo: { faults: { dieAfterTokens: 1 } } });
    const answer = await post('/test/transcribe', form({ file: wav(10) }));
    expect([answer.status, await answer.json()]).toMatchObject([503, { error: { code: 'engine_dead' } }]);
  });

  it('that waits for a slot is not read, and begins when there is one', async () => {
    await start({ env: { XIM_SLOTS: '1', XIM_QUEUE: '2' } });
    const first = begin('/test/form');
    await until(() => service.left().length === 1, 'the first has the slot');
    const second = begin('/test/form');
    second.request.end(Buffer.concat([Buffer.alloc(32 * MB), Buffer.from(FORM_END)]));
    await until(() => sockets.length === 2 && sockets[1]!.bytesRead > 0, 'the second waits');
    const third = begin('/test/form');
    await until(() => sockets.length === 3 && sockets[2]!.bytesRead > 0, 'the third waits');
    third.request.destroy();
    await until(() => statuses().includes(499), 'the third has left the queue');
    expect(service.left()).toHaveLength(1);
    expect(sockets[1]!.bytesRead).toBeLessThan(MB);
    first.request.end(FORM_END);
    expect(await first.answer).toMatchObject({ status: 200 });
    expect((await second.answer).json).toMatchObject({ files: [{ bytes: 32 * MB }] });
    expect(await service.metrics('xim_refused_total{')).toMatchObject([
      expect.stringMatching(/cancelled-in-queue.* 1$/),
    ]);
  });

  it('is one of 64 against two slots: the others are refused and their bodies unread', async () => {
    await start();
    const path = '/test/form';
    const read: number[] = [];
    service.app.server.prependListener('request', ({ socket }, response) => {
      response.prependListener('finish', () => response.statusCode === 429 && read.push(socket.bytesRead));
    });
    const running = [begin(path), begin(path)];
    await until(() => service.left().length === 2, 'two have the slots');
    const refused = Array.from({ length: 62 }, () => begin(path, { 'content-length': String(8 * MB) }));
    for (const { request } of refused) request.write(Buffer.alloc(4 * MB));
    for (const { answer } of refused) {
      const { status, headers, json } = await answer;
      expect([status, json]).toMatchObject([429, { error: { code: 'rate_limit_exceeded' } }]);
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    }
    expect(service.left()).toHaveLength(2);
    expect(read).toHaveLength(62);
    expect(Math.max(...read)).toBeLessThan(MB / 4);
    for (const { request } of refused) request.destroy();
    for (const { request } of running) request.end(FORM_END);
    for (const { answer } of running) expect(await answer).toMatchObject({ status: 200 });
  });
});

it('for a picture that the engine does not change is refused after its body', async () => {
  service = await startMediaService('generateImage');
  const answer = await post('/test/edit', form({ image: wav(1), prompt: 'a house' }));
  expect([answer.status, await answer.json()]).toMatchObject([400, { error: { param: 'image' } }]);
  const { types } = (await (await post('/test/edit', form({ prompt: 'a house' }))).json()) as { types: string[] };
  expect(types.at(-1)).toBe('end');
  await expectIdle();
  await service.stop();
});

it('a service that takes uploads does not start where XIM_TMP cannot hold them', async () => {
  await expect(startMediaService('transcribe', { tmp: '/proc' })).rejects.toThrow(
    /XIM_TMP="\/proc" cannot hold uploads/,
  );
});
