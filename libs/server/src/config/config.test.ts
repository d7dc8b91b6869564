import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configSchema, readConfig, settings } from './config.ts';
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
    expect(() => readConfig({ XIM_API_KEYS: ' , ' })).toThrow('XIM_API_KEYS: expected keys separated by commas');
  });

  it('warns about variables that look like its own', () => {
    const { warnings } = readConfig({ XIM_PROT: '1', XIM_EMPTY: '', OTHER: '1' });
    expect(warnings).toEqual([expect.stringContaining('XIM_PROT is not a variable')]);
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

  it.each(['../../README.md', '../../../../README.md'])('stands in %s as it is', (readme) => {
    expect(readFileSync(new URL(readme, import.meta.url), 'utf8')).toContain(formatMarkdown().trim());
  });
});
