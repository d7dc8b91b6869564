import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configSchema, readConfig } from './config.ts';
import { settings } from './settings.ts';
import { formatHelp, formatMarkdown } from './help.ts';

describe('the configuration', () => {
  it('is complete without any variable, and listens on this machine only', () => {
    const { config, warnings } = readConfig({ PATH: '/bin', XIM_PORT: '' });
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 8000,
      apiKeys: [],
      offline: false,
      requestTimeoutSeconds: 600,
      bodyLimitBytes: 4_194_304,
    });
    expect(warnings).toEqual([]);
  });

  it('is read from the environment', () => {
    const { config } = readConfig({
      XIM_HOST: '0.0.0.0',
      XIM_PORT: '0',
      XIM_API_KEYS: ' a ,b,, c',
      XIM_CORS_ORIGINS: 'https://a.example',
      XIM_MODEL_ALIASES: 'gpt-4o, mine=org/model',
      XIM_OFFLINE: '1',
      XIM_SLOTS: '8',
      XIM_QUEUE: '0',
      XIM_STALL_SECONDS: '2.5',
      XIM_DRAIN_SECONDS: '0',
    });
    expect(config).toMatchObject({
      host: '0.0.0.0',
      port: 0,
      apiKeys: ['a', 'b', 'c'],
      corsOrigins: ['https://a.example'],
      modelAliases: [
        { name: 'gpt-4o', target: undefined },
        { name: 'mine', target: 'org/model' },
      ],
      offline: true,
      slots: 8,
      queue: 0,
      stallSeconds: 2.5,
      drainSeconds: 0,
    });
  });

  it('names every wrong variable with its value and what was expected, but no secret', () => {
    const env = {
      XIM_PORT: '99999',
      XIM_SLOTS: 'many',
      XIM_LOG_LEVEL: 'loud',
      XIM_OFFLINE: 'maybe',
      XIM_MODEL_ALIASES: 'a=b=c',
      XIM_API_KEYS: 'secret',
    };
    expect(() => readConfig(env)).toThrow(
      '[server] The configuration is wrong. ' +
        'XIM_PORT="99999": expected a whole number from 0 to 65535. ' +
        'XIM_MODEL_ALIASES="a=b=c": expected names separated by commas, each "name" or "name=model id", without spaces. ' +
        'XIM_OFFLINE="maybe": expected 1 or 0. ' +
        'XIM_SLOTS="many": expected a whole number from 1. ' +
        'XIM_LOG_LEVEL="loud": expected trace, debug, info, warn, error, fatal or silent. See --help.',
    );
  });

  it.each(['-1', '1.5', 'abc', 'NaN', '1e9', 'Infinity'])('takes no port %s', (port) => {
    expect(() => readConfig({ XIM_PORT: port })).toThrow(`XIM_PORT="${port}"`);
  });

  it('takes no list of keys without a key: the service would be open', () => {
    expect(() => readConfig({ XIM_API_KEYS: ' , ' })).toThrow(
      'XIM_API_KEYS: expected keys separated by commas, each of visible ASCII',
    );
  });

  it.each([
    ['XIM_API_KEYS', 'with space'],
    ['XIM_API_KEYS', 'good,schlüssel'],
    ['XIM_API_KEYS', 'Bearer abc'],
    ['HF_TOKEN', 'hf_ä'],
    ['HF_TOKEN', 'hf a'],
    ['XIM_HOST', 'http://127.0.0.1'],
    ['XIM_HOST', '127.0.0.1:80'],
    ['XIM_HOST', '127.0.0.256'],
    ['XIM_HOST', '[::1]'],
    ['XIM_HOST', 'a b'],
    ['XIM_CORS_ORIGINS', 'https://a.example/'],
    ['XIM_CORS_ORIGINS', 'https://a.example/page'],
    ['XIM_CORS_ORIGINS', 'https://A.example'],
    ['XIM_CORS_ORIGINS', 'https://a.example:443'],
    ['XIM_CORS_ORIGINS', 'https://me@a.example'],
    ['XIM_CORS_ORIGINS', 'a.example'],
    ['XIM_CORS_ORIGINS', '*.a.example'],
    ['HF_ENDPOINT', 'hub.example'],
    ['HF_ENDPOINT', 'ftp://hub.example'],
    ['HF_ENDPOINT', 'https://me:secret@hub.example'],
    ['HF_ENDPOINT', 'https://hub.example/?x=1'],
    ['XIM_MODEL', ' org/name'],
    ['XIM_MODEL_CACHE', '/proc/version'],
    ['XIM_MODEL_CACHE', '/proc/version/cache'],
    ['XIM_VENVS', '/nowhere/at/all'],
    ['XIM_VENVS', '/proc/version'],
  ])('refuses %s=%j, which can never work, at the start', (name, value) => {
    expect(() => readConfig({ [name]: value })).toThrow(`The configuration is wrong. ${name}`);
  });

  it.each([
    ['XIM_API_KEYS', 'sk-a/b+c=.~_,!"#$'],
    ['XIM_HOST', '::1'],
    ['XIM_HOST', 'my-host_1.local'],
    [
      'XIM_CORS_ORIGINS',
      'null, *, https://a.example:8443, http://[::1]:3000, tauri://localhost, chrome-extension://abc',
    ],
    ['HF_ENDPOINT', 'http://127.0.0.1:8080/mirror/'],
    ['XIM_MODEL_CACHE', '/nowhere/yet'],
  ])('takes %s=%j', (name, value) => {
    expect(readConfig({ [name]: value }).warnings).toEqual([]);
  });

  it('reads ~ in paths as a shell would', () => {
    const env = {
      HOME: '/home/me',
      XIM_MODEL_CACHE: '~/m',
      XIM_TMP: '~/t',
      XIM_API_KEYS_FILE: '~/k',
      XIM_MODEL: '~/a.gguf',
    };
    expect(readConfig(env).config).toMatchObject({
      modelCache: '/home/me/m',
      tmp: '/home/me/t',
      apiKeysFile: '/home/me/k',
      model: '/home/me/a.gguf',
    });
  });

  it('is offline as the hub’s own tools are, unless XIM_OFFLINE says otherwise', () => {
    const { config, warnings } = readConfig({ HF_HUB_OFFLINE: '1' });
    expect([config.offline, warnings]).toEqual([true, [expect.stringContaining('counts as XIM_OFFLINE=1')]]);
    expect(readConfig({ HF_HUB_OFFLINE: '1', XIM_OFFLINE: '0' }).config.offline).toBe(false);
  });

  it('refuses a proxy or certificates that cannot be used, but not offline, where they are not', () => {
    const env = { HTTPS_PROXY: 'http://:80:80', SSL_CERT_FILE: '/nowhere.pem' };
    expect(() => readConfig(env)).toThrow(
      /HTTPS_PROXY is no address of a proxy.* SSL_CERT_FILE="\/nowhere.pem" cannot/,
    );
    expect(readConfig({ ...env, XIM_OFFLINE: '1' }).config.offline).toBe(true);
    expect(readConfig({ ALL_PROXY: 'socks5://h:1' }).warnings).toEqual([
      expect.stringContaining('ALL_PROXY is ignored'),
    ]);
  });

  it('warns about variables that look like its own, with the name that was meant', () => {
    const env = { XIM_PROT: '1', XIM_MODELS: 'x', XIM_FOO: '1', XIM_EMPTY: '', HF_TOKENS: '1', HF_HUB_OFLINE: '1' };
    expect(readConfig({ ...env, HF_HUB_DISABLE_XET: '1', OTHER: '1', xim_port: '1' }).warnings).toEqual([
      'HF_HUB_OFLINE is not a variable of this service and has no effect; is HF_HUB_OFFLINE meant?',
      'HF_TOKENS is not a variable of this service and has no effect; is HF_TOKEN meant?',
      'XIM_FOO is not a variable of this service and has no effect; --help lists those that are.',
      'XIM_MODELS is not a variable of this service and has no effect; is XIM_MODEL meant?',
      'XIM_PROT is not a variable of this service and has no effect; is XIM_PORT meant?',
      'xim_port is not a variable of this service and has no effect; is XIM_PORT meant?',
    ]);
  });
});

describe('the table', () => {
  const names = Object.values(configSchema.shape).map((schema) => settings.get(schema)!.env);

  it('has every variable once, with default and one sentence', () => {
    const help = formatHelp('chat');
    for (const name of names) expect(help.match(new RegExp(`^  ${name} .*\\.$`, 'gm'))).toHaveLength(1);
    expect(new Set(names).size).toBe(names.length);
    expect(help).toMatch(/^ {2}XIM_PORT +8000 +Port to listen on/m);
    expect(help).not.toContain(process.env['HOME'] ?? '/nowhere');
  });

  it('stands in docs/settings.md as it is', () => {
    const settings = new URL('../../../../docs/settings.md', import.meta.url);
    expect(readFileSync(settings, 'utf8')).toContain(formatMarkdown().trim());
  });
});
