import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../__fixtures__/until.ts';
import { fileHead, form, FORM_END, FORM_TYPE, openUpload, sendThenRead, wav } from './__fixtures__/form-client.ts';
import { type MediaOptions, type MediaService, startMediaService } from './__fixtures__/media-service.ts';

const MB = 1 << 20;

let service: MediaService;

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
    if (service.app.server.listening) await service.idle();
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
    await start({ echo: { rate: 0.01 }, env: { XIM_REQUEST_TIMEOUT_SECONDS: '1' } });
    const patient = begin('/test/form');
    await until(() => service.left().length === 1, 'the upload has begun');
    // Longer than the deadline, counted from a moment after the first byte.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    patient.request.end(`x${FORM_END}`);
    expect(await patient.answer).toMatchObject({ status: 200 });
    const late = await service.post('/test/transcribe', form({ file: wav(10) }));
    expect([late.status, await late.json()]).toMatchObject([504, { error: { code: 'deadline_exceeded' } }]);
  });

  it('that the service is shut down under is a 503', async () => {
    await start();
    const { answer } = begin('/test/form');
    await until(() => service.left().length === 1, 'the upload has begun');
    const closing = service.close({ drainMs: 0 });
    expect(await answer).toMatchObject({ status: 503, json: { error: { code: 'engine_not_ready' } } });
    await closing;
  });

  it('of a call whose engine dies is deleted', async () => {
    await start({ echo: { faults: { dieAfterTokens: 1 } } });
    const answer = await service.post('/test/transcribe', form({ file: wav(10) }));
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
    await until(() => service.statuses().includes(499), 'the third has left the queue');
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
