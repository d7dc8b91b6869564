import { expect, it } from 'vitest';
import { toFrames, toObjects } from './sse.ts';

it.each([
  ['nothing', '', [], ''],
  ['a frame', 'data: {"a":1}\n\n', [['data: {"a":1}']], ''],
  ['a frame without the space, as TGI sends it', 'data:{"a":1}\n\n', [['data:{"a":1}']], ''],
  ['line ends of two characters', 'data: {"a":1}\r\n\r\n', [['data: {"a":1}']], ''],
  ['a comment', ': \n\ndata: {"a":1}\n\n', [[], ['data: {"a":1}']], ''],
  ['other fields', 'event: x\nid: 7\ndata: {"a":1}\n\n', [['event: x', 'id: 7', 'data: {"a":1}']], ''],
  ['a frame that was not finished', 'data: {"a":1}\n\ndata: [DO', [['data: {"a":1}']], 'data: [DO'],
])('cuts %s', (_, text, lines, rest) => {
  const found = toFrames(text);
  expect(found.frames.map((frame) => frame.lines)).toEqual(lines);
  expect(found.rest).toBe(rest);
  expect(toObjects(found)).toEqual(text.includes('"a"') ? [{ a: 1 }] : []);
});

it.each(['hello', '1', 'null', '{"a":'])('%s is no object', (data) => {
  expect(() => toObjects(toFrames(`data: ${data}\n\n`))).toThrow('expected frame 0 to carry a JSON object');
});

it('[DONE] is none of the objects', () => {
  expect(toObjects(toFrames('data: {}\n\ndata: [DONE]\n\n'))).toEqual([{}]);
});
