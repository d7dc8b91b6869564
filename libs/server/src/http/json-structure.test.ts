import { expect, it } from 'vitest';
import { countJson } from './json-structure.ts';

const count = (text: string, isEnough = () => false) => countJson(Buffer.from(text), isEnough);

it.each([
  ['', 0, 0, 0],
  ['1', 0, 0, 1],
  ['"a"', 0, 1, 0],
  ['{"a": [1, -2.5e3, true, null, "x"], "b": {}}', 2, 6, 4],
  ['[[1,2],[3]]', 2, 3, 3],
  ['["[[[{", "\\"[", "\\\\", "\\\\\\"{"]', 1, 5, 0],
  ['[\n\t1 ,\r\n2 ]', 1, 1, 2],
  ['["not ended [[', 1, 2, 0],
])('%s: depth %d, %d parts, %d numbers', (text, depth, parts, numbers) => {
  expect(count(text)).toEqual({ depth, parts, numbers });
});

it('counts as a parser finds them', () => {
  const value = { a: [{ b: 'x', c: [1, 2, [3, 'é"\\']] }, null, false], 'd"': { e: {} } };
  expect(count(JSON.stringify(value))).toEqual({ depth: 5, parts: 14, numbers: 5 });
});

it('ends where it has seen enough', () => {
  expect(countJson(Buffer.from('['.repeat(1000)), ({ depth }) => depth > 3).depth).toBe(4);
});
