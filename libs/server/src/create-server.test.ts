import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { createFakeFactory } from './__fixtures__/fake-engine.ts';
import { fakeService, host } from './__fixtures__/fake-service.ts';
import { readConfig } from './config/config.ts';
import { createServer } from './create-server.ts';
import { toPython } from './engine/fetch-model.ts';
import { defineService, type Service } from './service.ts';

const folder = mkdtempSync(join(tmpdir(), 'xim-create-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a service that cannot start', () => {
  const cannot = async (change: Partial<Service>, env: Record<string, string> = {}): Promise<string> => {
    const factory = createFakeFactory();
    const service = { ...fakeService(factory), ...change };
    const log = { write: () => undefined };
    const error: unknown = await createServer(service, readConfig(env).config, { host, log }).catch(
      (reason: unknown) => reason,
    );
    expect(factory.engines).toEqual([]);
    return (error as Error).message;
  };

  it('says which model it got and which it expected', async () => {
    expect(await cannot({ task: 'embed' })).toMatch(
      /fake-models.json is for the task generate; expected a model for embed/,
    );
  });

  it('says where its lock file is wrong', async () => {
    expect(await cannot({ models: new URL('./nowhere.json', import.meta.url) })).toContain('nowhere.json');
  });

  it('says which setting the host cannot honour', async () => {
    expect(await cannot({}, { XIM_THREADS: '99' })).toContain('XIM_THREADS=99 is more than the CPUs');
    expect(await cannot({}, { XIM_ENGINE: 'other' })).toContain('XIM_ENGINE="other"');
    expect(await cannot({}, { XIM_MODEL_ALIASES: 'a=b/c' })).toContain('points at a model that is not served');
    expect(await cannot({}, { XIM_API_KEYS_FILE: '/nowhere' })).toContain('XIM_API_KEYS_FILE="/nowhere"');
  });

  it('says why a model that the user names cannot be served', async () => {
    const cache = { XIM_MODEL_CACHE: folder };
    expect(await cannot({}, { ...cache, XIM_MODEL: 'org/tiny-GGUF' })).toContain(
      'XIM_MODEL=org/tiny-GGUF cannot be served here: a model for the task generate is a GGUF file or OpenVINO IR',
    );
  });

  it('fails with a route that cannot be registered', async () => {
    const broken = async () => {
      throw new Error('a broken route');
    };
    expect(await cannot({ routes: [broken] })).toBe('a broken route');
  });
});

it('a service’s own handler reaches the engine’s check and the engine, as a path', async () => {
  const factory = createFakeFactory();
  const [check, create] = [vi.fn(factory.check), vi.fn(factory.create)];
  const handler = new URL('file:///app/handler.py');
  const service = { ...fakeService({ ...factory, check, create }), handler };
  const { config } = readConfig({ XIM_LOG_LEVEL: 'silent' });
  const server = await createServer(service, config, { host });
  await server.ready;
  await server.close({ drainMs: 0 });
  expect(check.mock.calls[0]?.[2]).toBe('/app/handler.py');
  expect(create.mock.calls[0]?.[0]).toMatchObject({ handler: '/app/handler.py' });
});

describe('the definition of a service', () => {
  const service = fakeService(createFakeFactory());

  it('is refused where it can never start', () => {
    expect(() => defineService({ ...service, name: 'My Service' })).toThrow('not "My Service"');
    expect(() => defineService({ ...service, engines: [] })).toThrow('lists no engine');
    const twice = [createFakeFactory(), createFakeFactory()];
    expect(() => defineService({ ...service, engines: twice })).toThrow('lists the engine "fake" twice');
  });
});

describe('the interpreter of a service', () => {
  const environment = (name: string) => {
    const bin = join(folder, name, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'python'), '');
    return join(bin, 'python');
  };

  it('is that of the environment of its engine, or of its own one on that engine', () => {
    const engine = environment('oneapi');
    const own = environment('voice@oneapi');
    expect(toPython({ venvs: folder }, 'chat', 'oneapi')).toBe(engine);
    expect(toPython({ venvs: folder }, 'voice', 'oneapi')).toBe(own);
    expect(toPython({ venvs: folder }, 'voice', 'ipex')).toBe('python3');
    expect(toPython({ venvs: undefined }, 'voice', 'oneapi')).toBe('python3');
  });
});
