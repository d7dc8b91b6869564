import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FakeServer, startFakeServer } from '../__fixtures__/fake-service.ts';

let server: FakeServer;
let url: string;
beforeAll(async () => {
  server = await startFakeServer();
  url = await server.listen();
  await server.ready;
});
afterAll(() => server.close());

const stream = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"tokens":1}' };

it.each([
  ['JSON', '/v1/models', {}, 200],
  ['a stream', '/v1/stream', stream, 200],
  ['metrics', '/metrics', {}, 200],
  ['an error', '/nowhere', {}, 404],
])('every answer keeps its type: %s', async (_, path, init, status) => {
  const response = await fetch(url + path, init);
  await response.text();
  expect([response.status, response.headers.get('x-content-type-options')]).toEqual([status, 'nosniff']);
});
