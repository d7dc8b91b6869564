import { describe, expect, it } from 'vitest';
import { createFrameReader, encodeFrame, type Frame } from './frames.ts';

const join = (frame: Frame): Buffer => Buffer.concat(encodeFrame(frame));

function readAll(bytes: Buffer, step: number): Frame[] {
  const frames: Frame[] = [];
  const read = createFrameReader((frame) => frames.push(frame));
  for (let at = 0; at < bytes.length; at += step) read(bytes.subarray(at, at + step));
  return frames;
}

describe('frames', () => {
  const first = { type: 'call', id: 7, input: { text: 'ä💡', audio: { bytes: new Uint8Array([1, 2, 3]) } } };
  const second = { type: 'cancel', id: 7 };
  const third = { type: 'call', id: 8, input: [Buffer.from([9]), Buffer.from([8, 7])] };
  const bytes = Buffer.concat([join(first), join(second), join(third)]);

  it.each([1, 2, 7, 13, bytes.length])('come back whole from chunks of %i bytes', (step) => {
    const frames = readAll(bytes, step);
    expect(frames.map((frame) => frame.type)).toEqual(['call', 'cancel', 'call']);
    expect(frames[0]).toMatchObject({ id: 7, input: { text: 'ä💡' } });
    const input = frames[0]?.['input'] as { audio: { bytes: Uint8Array } };
    expect([...input.audio.bytes]).toEqual([1, 2, 3]);
    expect((frames[2]?.['input'] as Uint8Array[]).map((part) => [...part])).toEqual([[9], [8, 7]]);
  });

  it('are little-endian lengths, the JSON, then the raw body', () => {
    const header = '{"type":"x","bytes":{"$body":[0,2]}}';
    const expected = Buffer.concat([
      Buffer.from([header.length, 0, 0, 0, 2, 0, 0, 0]),
      Buffer.from(header),
      Buffer.from([5, 6]),
    ]);
    expect(join({ type: 'x', bytes: new Uint8Array([5, 6]) })).toEqual(expected);
  });

  it('carry empty bytes, and leave alone what only looks like bytes', () => {
    const [frame] = readAll(join({ type: 'call', input: { bytes: new Uint8Array(0) } }), 100);
    expect(frame?.['input']).toEqual({ bytes: Buffer.alloc(0) });
    const lookalike = { type: 'call', input: { $body: [0, 0] } };
    expect(readAll(join(lookalike), 100)).toEqual([lookalike]);
  });

  it.each([
    ['a giant header', Buffer.from([255, 255, 255, 255, 0, 0, 0, 0]), /claims 4294967295 header/],
    ['a giant body', Buffer.from([1, 0, 0, 0, 255, 255, 255, 255]), /4294967295 body/],
    ['no JSON', Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x2c]), /not JSON/],
    ['no type', Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]), /no type/],
    ['text of another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n'), /claims/],
  ])('refuse %s', (_, chunk, message) => {
    expect(() => createFrameReader(() => undefined)(chunk)).toThrow(message);
  });

  it('refuse bytes outside the body', () => {
    const header = Buffer.from('{"type":"x","bytes":{"$body":[1,2]}}');
    const lengths = Buffer.from([header.length, 0, 0, 0, 2, 0, 0, 0]);
    const read = createFrameReader(() => undefined);
    expect(() => read(Buffer.concat([lengths, header, Buffer.from([1, 2])]))).toThrow(/bytes \[1, 2\] of a body of 2/);
  });
});
