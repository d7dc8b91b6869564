import { expect, it } from 'vitest';
import { readImageHead } from './image-size.ts';

const JPEG_HEAD = 'ffd8ffe000104a46494600010100000100010000';

/** Files by Pillow with 3 x 2 red pixels. The JPEG is without the tables before the frame header. */
it.each([
  ['png', '89504e470d0a1a0a0000000d49484452000000030000000208020000001216f14d'],
  ['jpeg', `${JPEG_HEAD}ffc00011080002000303012200021101031101`],
  ['webp', '524946463c000000574542505650382030000000d001009d012a0300020001402625a00274ba01f80003b000'],
  ['webp', '524946461c000000574542505650384c0f0000002f024000000710fd8ffe0722a2ff0100'],
  ['webp', '524946461600000057454250565038580a000000100000000200000100'.concat('00')],
])('reads the size of a %s', (format, hex) => {
  expect(readImageHead(Buffer.from(hex, 'hex'))).toEqual({ format, width: 3, height: 2 });
});

it.each(['', '89504e470d0a1a0a0000', 'ffd8', 'ffd8ffda0002', '52494646', 'abcdef'])(
  'takes %j for no picture',
  (hex) => {
    expect(readImageHead(Buffer.from(hex, 'hex'))).toBeUndefined();
  },
);
