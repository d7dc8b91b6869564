import { timingSafeEqual } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { createApiKeys } from './auth.ts';

vi.mock(import('node:crypto'), async (original) => {
  const crypto = await original();
  return { ...crypto, timingSafeEqual: vi.fn(crypto.timingSafeEqual) };
});

it.each([
  ['the first key', 'key-one', 1],
  ['the last key', 'key-three', 3],
  ['no key of any length', 'x', 0],
  ['the beginning of a key', 'key-on', 0],
])('is with every key and in constant time, for %s', (_, given, number) => {
  const keys = createApiKeys({ apiKeys: ['key-one', 'key-two', 'key-three'], apiKeysFile: undefined });
  vi.mocked(timingSafeEqual).mockClear();
  expect(keys.find(given)).toBe(number);
  const calls = vi.mocked(timingSafeEqual).mock.calls;
  expect(calls.length).toBe(3);
  // Digests have one length, whatever the length of the keys.
  expect(new Set(calls.flat().map(({ byteLength }) => byteLength))).toEqual(new Set([32]));
});
