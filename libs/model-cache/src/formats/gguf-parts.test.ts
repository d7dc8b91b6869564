import { expect, it } from 'vitest';
import { isLaterPart, toGgufParts, toGgufStem } from './gguf-parts.ts';

it('any part names all parts, the first part first', () => {
  const parts = ['Q8_0/m-00001-of-00003.gguf', 'Q8_0/m-00002-of-00003.gguf', 'Q8_0/m-00003-of-00003.gguf'];
  for (const part of parts) expect(toGgufParts(part)).toEqual(parts);
  expect(parts.map(isLaterPart)).toEqual([false, true, true]);
});

it.each(['m.gguf', 'm-00004-of-00003.gguf', 'm-00000-of-00003.gguf', 'm-1-of-3.gguf', 'm-00001-of-00002.safetensors'])(
  '%s is one file',
  (name) => {
    expect(toGgufParts(name)).toEqual([name]);
    expect(isLaterPart(name)).toBe(false);
  },
);

it('the stem is the name of the model', () => {
  expect(['m-00002-of-00003.gguf', 'm.Q8_0.GGUF', 'm-1.gguf'].map(toGgufStem)).toEqual(['m', 'm.Q8_0', 'm-1']);
});
