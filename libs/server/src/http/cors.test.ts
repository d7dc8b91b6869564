import { afterEach, describe, expect, it } from 'vitest';
import { type FakeServer, startFakeServer } from '../__fixtures__/fake-service.ts';

let server: FakeServer;
afterEach(() => server.close());

const ask = async (origins: string | undefined, origin: string) => {
  server = await startFakeServer({ env: origins === undefined ? {} : { XIM_CORS_ORIGINS: origins } });
  await server.ready;
  const { headers } = await server.app.inject({ method: 'POST', url: '/v1/once', headers: { origin } });
  return headers;
};

describe('a web page of another origin', () => {
  it('gets nothing without configuration', async () => {
    expect(await ask(undefined, 'https://a.example')).not.toHaveProperty('access-control-allow-origin');
  });

  it('may read answers and their request id where its origin is listed', async () => {
    const headers = await ask('https://a.example, https://b.example', 'https://b.example');
    expect(headers['access-control-allow-origin']).toBe('https://b.example');
    expect(headers['access-control-expose-headers']).toContain('x-request-id');
  });

  it('gets nothing where it is not', async () => {
    expect(await ask('https://a.example,https://c.example', 'https://b.example')).not.toHaveProperty(
      'access-control-allow-origin',
    );
  });

  it('may be any with *', async () => {
    expect((await ask('*', 'https://b.example'))['access-control-allow-origin']).toBe('*');
  });
});
