import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeServer, startFakeServer } from '../__fixtures__/fake-service.ts';

let server: FakeServer;
let url: string;
beforeAll(async () => {
  server = await startFakeServer({ env: { XIM_BODY_LIMIT_BYTES: '100000' } });
  url = await server.listen();
});
afterAll(() => server.close());

async function send(body: Buffer | string, headers: Record<string, string>, path = '/v1/body') {
  const all = { 'content-type': 'application/json', ...headers };
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: all,
    body: new Uint8Array(Buffer.from(body)),
  });
  const answer = (await response.json()) as { body?: unknown; error?: { message: string; code: string } };
  return { status: response.status, ...answer };
}

const text = JSON.stringify({ text: 'Grüße, 世界' });
const encoders = { gzip: gzipSync, 'x-gzip': gzipSync, GZIP: gzipSync, deflate: deflateSync, br: brotliCompressSync };
const identity = (bytes: Buffer | string) => Buffer.from(bytes);

describe('Content-Encoding', () => {
  it.each(Object.entries({ ...encoders, identity }))('%s is decoded', async (name, encode) => {
    const { status, body } = await send(encode(text), { 'content-encoding': name });
    expect([status, body]).toEqual([200, JSON.parse(text)]);
  });

  it.each(['compress', 'gzip, br', 'constructor'])('%s is a 415 that names the header', async (name) => {
    const { status, error } = await send(text, { 'content-encoding': name });
    expect(status).toBe(415);
    expect(error!.code).toBe('unsupported_media_type');
    expect(error!.message).toContain(`Content-Encoding is "${name}"; expected one of gzip, deflate, br`);
  });

  it.each([
    ['plain JSON', Buffer.from(text)],
    ['an encoding cut off', gzipSync(text).subarray(0, -4)],
  ])('that is not the body’s is a 400: %s', async (_, bytes) => {
    const { status, error } = await send(bytes, { 'content-encoding': 'gzip' });
    expect([status, error!.message]).toEqual([400, 'The body is not valid gzip, as Content-Encoding says.']);
  });

  it.each(Object.entries(encoders))('a body that is too large once decoded is a 413: %s', async (name, encode) => {
    const bomb = encode(Buffer.alloc(50_000_000, ' '));
    expect(bomb.length).toBeLessThan(100_000);
    const { status, error } = await send(bomb, { 'content-encoding': name });
    expect([status, error!.code]).toEqual([413, 'request_too_large']);
  });

  it('a body that is exactly as large as the limit is taken', async () => {
    const exact = `"${'x'.repeat(99_998)}"`;
    expect((await send(gzipSync(exact), { 'content-encoding': 'gzip' })).status).toBe(200);
    expect((await send(gzipSync(`${exact} `), { 'content-encoding': 'gzip' })).status).toBe(413);
  });
});

describe('charset', () => {
  it.each(['utf-8', 'UTF-8', 'utf8', '"utf-8"'])('%s is taken', async (charset) => {
    expect((await send(text, { 'content-type': `application/json; charset=${charset}` })).status).toBe(200);
  });

  it.each(['latin1', 'utf-16', '"shift_jis"'])('%s is a 415 that names it', async (charset) => {
    const { status, error } = await send('{}', { 'content-type': `application/json; charset=${charset}` });
    expect(status).toBe(415);
    expect(error!.message).toContain(`the charset "${charset.replaceAll('"', '')}"; expected UTF-8`);
  });
});
