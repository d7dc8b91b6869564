import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeServer, startFakeServer } from '../__fixtures__/fake-service.ts';
import { isLoopback, readApiKeys } from './auth.ts';

const folder = mkdtempSync(join(tmpdir(), 'xim-auth-'));
const file = join(folder, 'keys');
let server: FakeServer;

beforeAll(async () => {
  writeFileSync(file, 'key-three\n\n  key-four  \n');
  server = await startFakeServer({
    env: {
      XIM_API_KEYS: 'key-one, key-two',
      XIM_API_KEYS_FILE: file,
      XIM_CORS_ORIGINS: 'https://a.example',
      XIM_HOST: '0.0.0.0',
    },
  });
  await server.ready;
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const get = (url: string, authorization?: string) =>
  server.app.inject({ url, headers: authorization === undefined ? {} : { authorization } });

it.each(['good\nwith space', 'good\nschlüssel'])('a key that no header carries is refused at the start: %j', (text) => {
  const wrong = join(folder, 'wrong');
  writeFileSync(wrong, text);
  expect(() => readApiKeys({ apiKeys: [], apiKeysFile: wrong })).toThrow(
    `XIM_API_KEYS_FILE="${wrong}": key 2 has a space`,
  );
});

describe('with keys', () => {
  it('the engine learns whose turn a call uses, by the number of the key', async () => {
    const callers = ['key-one', 'key-two', 'key-three', 'key-one'].map(async (key) => {
      await server.app.inject({ method: 'POST', url: '/v1/once', headers: { authorization: `Bearer ${key}` } });
    });
    await Promise.all(callers);
    const turns = server.factory.engine.options.map(({ turn }) => turn);
    expect(turns.map((turn) => turn?.caller).sort()).toEqual(['1', '1', '2', '3']);
    expect(new Set(turns.map((turn) => turn?.request)).size).toBe(4);
  });

  it.each(['key-one', 'key-two', 'key-three', 'key-four'])('%s opens the service', async (key) => {
    expect((await get('/v1/models', `Bearer ${key}`)).statusCode).toBe(200);
    expect((await get('/v1/models', `bearer  ${key}`)).statusCode).toBe(200);
  });

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer key-on',
    'Bearer key-one2',
    'Basic key-one',
    'key-one',
    'Bearer key-one key-two',
  ])('a request with Authorization "%s" is a 401 in the error object', async (authorization) => {
    const answer = await get('/v1/models', authorization);
    expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(answer.json()).toMatchObject({ error: { type: 'invalid_request_error', code: 'invalid_api_key' } });
    expect(answer.body).not.toContain('key-on');
  });

  it.each(['/metrics', '/docs', '/openapi.json', '/v1/metadata', '/v1/nothing'])('%s is covered', async (path) => {
    expect((await get(path)).statusCode).toBe(401);
  });

  it('a body is not even read', async () => {
    const answer = await server.app.inject({ method: 'POST', url: '/v1/once', payload: 'x'.repeat(10_000_000) });
    expect(answer.statusCode).toBe(401);
  });

  it.each([
    '/health',
    '/health/ready',
    '/health/live',
    '/v1/health/ready',
    '/v1/health/live',
    '/v2/health/ready',
    '/v2/health/live',
  ])('%s is open, also to HEAD', async (path) => {
    expect((await get(path)).statusCode).toBe(200);
    const head = await server.app.inject({ method: 'HEAD', url: path });
    expect([head.statusCode, head.body]).toEqual([200, '']);
  });

  it('a preflight is open', async () => {
    const headers = {
      origin: 'https://a.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    };
    const answer = await server.app.inject({ method: 'OPTIONS', url: '/v1/once', headers });
    expect(answer.statusCode).toBe(204);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': 'https://a.example',
      'access-control-allow-headers': 'authorization',
    });
  });

  it('no key is in the log, and none is called open to all', () => {
    const text = JSON.stringify(server.log);
    expect(text).not.toMatch(/key-(one|two|three|four)/);
    expect(text).not.toContain('ANYBODY');
  });
});

describe('without keys', () => {
  it.each([
    ['0.0.0.0', true],
    ['127.0.0.1', false],
  ])('listening on %s is warned about loudly: %s', async (host, warned) => {
    const open = await startFakeServer({ env: { XIM_HOST: host } });
    expect((await open.app.inject('/v1/models')).statusCode).toBe(200);
    expect(open.log.some((line) => line['level'] === 'warn' && String(line['msg']).startsWith('ANYBODY'))).toBe(warned);
    await open.close();
  });
});

describe('the file of keys', () => {
  it('that cannot be read, or is empty, stops the start: the service would be open', () => {
    const empty = join(folder, 'empty');
    writeFileSync(empty, '\n');
    expect(() => readApiKeys({ apiKeys: ['a'], apiKeysFile: join(folder, 'none') })).toThrow('cannot be read (ENOENT)');
    expect(() => readApiKeys({ apiKeys: ['a'], apiKeysFile: empty })).toThrow('holds no key');
  });
});

describe('loopback', () => {
  it('is told from the rest', () => {
    expect(['127.0.0.1', '127.1.2.3', '::1', 'localhost'].every(isLoopback)).toBe(true);
    expect(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', 'example.org'].some(isLoopback)).toBe(false);
  });
});
