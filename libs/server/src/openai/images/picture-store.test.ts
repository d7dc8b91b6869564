import { expect, it } from 'vitest';
import { createPictureStore } from './picture-store.ts';

const picture = (size: number) => ({ bytes: new Uint8Array(size), mediaType: 'image/webp' });

it('gives a picture by its name alone, until its time is over', () => {
  let time = 0;
  const store = createPictureStore({ maxBytes: 100, lifetimeMs: 1000, now: () => time });
  const [first] = store.put([picture(10)]);
  expect(first).toMatch(/^[\w-]{32}\.webp$/);
  time = 999;
  const [second] = store.put([picture(20)]);
  expect(second).not.toBe(first);
  expect(store.get(first!)?.bytes.byteLength).toBe(10);
  time = 1000;
  expect(store.get(first!)).toBeUndefined();
  expect(store.get(second!)?.bytes.byteLength).toBe(20);
  expect(store.get('toString')).toBeUndefined();
});

it('drops the oldest where there is no room, and never one of the answer that it takes', () => {
  const store = createPictureStore({ maxBytes: 100, lifetimeMs: 1000 });
  const [oldest] = store.put([picture(40)]);
  const [older] = store.put([picture(40)]);
  const [newer] = store.put([picture(40)]);
  expect([oldest, older, newer].map((name) => store.get(name!) !== undefined)).toEqual([false, true, true]);
  const large = store.put([picture(90), picture(90)]);
  expect(large.every((name) => store.get(name) !== undefined)).toBe(true);
  expect(store.get(newer!)).toBeUndefined();
});
