import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isHubOffline, toCacheDir, toHub, toTokenFile } from './hub-settings.ts';

/** As Node does for a user id without an entry in the system's list while HOME is not set. */
vi.mock('node:os', async (load) => ({
  ...(await load<object>()),
  homedir: () => {
    throw new Error('A system error occurred: uv_os_homedir returned ENOENT (no such file or directory)');
  },
}));

let outside: string;
beforeEach(() => void (outside = mkdtempSync(join(tmpdir(), 'xim-settings-'))));
afterEach(() => rmSync(outside, { recursive: true }));

test.each([
  [{ XIM_MODEL_CACHE: '/m', HF_HUB_CACHE: '/h' }, '/m'],
  [{ XIM_MODEL_CACHE: '~/m', HOME: '/home/me' }, '/home/me/m'],
  [{ HF_HUB_CACHE: '/h', HF_HOME: '/x' }, '/h'],
  [{ HF_HUB_CACHE: '~/h', HOME: '/home/me' }, '/home/me/h'],
  [{ HUGGINGFACE_HUB_CACHE: '/old' }, '/old'],
  [{ HF_HOME: '~/hf', HOME: '/home/me' }, '/home/me/hf/hub'],
  [{ HF_HOME: '~', HOME: '/home/me' }, '/home/me/hub'],
  [{ HF_HOME: '~other/hf', HOME: '/home/me' }, undefined],
  [{ XDG_CACHE_HOME: '~/c', HOME: '/home/me' }, '/home/me/c/huggingface/hub'],
  [{ HOME: '/home/me' }, '/home/me/.cache/huggingface/hub'],
])('outside of a clone %j means the cache %s', (env, expected) => {
  expect(toCacheDir(env, outside)).toBe(expected ?? join(outside, '~other/hf/hub'));
});

test('in a clone its own cache is taken, unless a cache is named', () => {
  const clone = join(import.meta.dirname, '../../../..');
  expect(toCacheDir({ HF_HOME: '/x' }, import.meta.dirname)).toBe(join(clone, '.model_cache'));
  expect(toCacheDir({ HF_HUB_CACHE: '/h' }, import.meta.dirname)).toBe('/h');
});

test('a user without a home needs a named cache and nothing else', () => {
  expect(toCacheDir({ XIM_MODEL_CACHE: '/m' }, outside)).toBe('/m');
  expect(toTokenFile({})).toBeUndefined();
  expect(toHub({ HF_TOKEN: 'hf_x' })).toMatchObject({ endpoint: 'https://huggingface.co', token: 'hf_x' });
  expect(() => toCacheDir({}, outside)).toThrow('HOME is not set and this user has no home. Set XIM_MODEL_CACHE');
});

test('the token is read from the file that HF_TOKEN_PATH or HF_HOME tells, ~ included', () => {
  writeFileSync(join(outside, 'token'), 'hf_file\n');
  expect(toHub({ HF_TOKEN_PATH: '~/token', HOME: outside }).token).toBe('hf_file');
  expect(toHub({ HF_HOME: '~', HOME: outside }).token).toBe('hf_file');
});

test.each(['hf_ä', 'hf_\u0007'])('a token that no header can hold is refused, and not shown: %j', (text) => {
  writeFileSync(join(outside, 'token'), text);
  expect(() => toHub({ HF_TOKEN: text })).toThrow(/^HF_TOKEN is no token/);
  expect(() => toHub({ HF_TOKEN_PATH: join(outside, 'token') })).toThrow(`${join(outside, 'token')} holds no token`);
  expect(() => toHub({ HF_TOKEN: text })).not.toThrow(text);
});

test.each([
  [{ HF_HUB_OFFLINE: '1' }, true],
  [{ HF_HUB_OFFLINE: 'True' }, true],
  [{ HF_HUB_OFFLINE: 'on' }, true],
  [{ HF_HUB_OFFLINE: '0', TRANSFORMERS_OFFLINE: '1' }, false],
  [{ TRANSFORMERS_OFFLINE: 'yes' }, true],
  [{}, false],
])('%j: offline %s', (env, offline) => {
  expect(isHubOffline(env)).toBe(offline);
});
