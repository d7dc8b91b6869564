import { expect, test } from 'vitest';
import { readJsonPositions } from './json-positions.ts';

const SAMPLE = `{
  "a": [1, -2.5e3,
    {"b c": "\\u00e9\\n", "d": null}],
  "e": {},
  "f": [], "g": true
}
`;

test('knows the line of every value', () => {
  const { lines, problem } = readJsonPositions(SAMPLE);
  expect(problem).toBeUndefined();
  expect(Object.fromEntries(lines)).toEqual({
    '[]': 1,
    '["a"]': 2,
    '["a",0]': 2,
    '["a",1]': 2,
    '["a",2]': 3,
    '["a",2,"b c"]': 3,
    '["a",2,"d"]': 3,
    '["e"]': 4,
    '["f"]': 5,
    '["g"]': 5,
  });
});

test.each([
  ['', 1, 'expected a JSON value, the file ends here'],
  ['{\n"a": 1,\n}', 3, 'expected a key in double quotes, found "}"'],
  ['{\n"a" 1}', 2, 'expected ":", found "1"'],
  ['[1\n2]', 2, 'expected "," or "]", found "2"'],
  ['{"a": 1}\n\nx', 3, 'expected the end of the file, found "x"'],
  ['{\n"a": 1,\n"a": 2}', 3, 'the key "a" stands here for the second time'],
  ["{\n'a': 1}", 2, 'expected a key in double quotes, found "\'"'],
])('names the place of a mistake in %j', (text, line, message) => {
  expect(readJsonPositions(text).problem).toEqual({ line, message });
});

test('takes and refuses what JSON.parse does', () => {
  const accepts = (text: string): boolean => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  const texts = [...SAMPLE].flatMap((_, at) =>
    ['', ',', '"', '0', '}', '\\', '\t', 'u'].map((put) => SAMPLE.slice(0, at) + put + SAMPLE.slice(at + 1)),
  );
  const different = texts.filter((text) => (readJsonPositions(text).problem === undefined) !== accepts(text));
  expect(different).toEqual([]);
});
