import { expect, test } from 'vitest';
import { createProgressFormatter, formatBytes } from './format-progress.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.00 kB'],
  [98_362_432, '98.4 MB'],
  [999_600_000, '1000 MB'],
  [1_234_567_890, '1.23 GB'],
])('%i bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

function follow(steps: readonly (readonly [at: number, receivedBytes: number, totalBytes?: number])[]): string[] {
  let at = 0;
  const format = createProgressFormatter(() => at);
  return steps.map(([seconds, receivedBytes, totalBytes]) => {
    at = seconds * 1000;
    return format({ file: 'm.whl', receivedBytes, totalBytes });
  });
}

test('tells amount, rate and time left', () => {
  expect(
    follow([
      [0, 0],
      [1, 0, 100e6],
      [2, 10e6, 100e6],
      [21, 100e6, 100e6],
    ]),
  ).toEqual([
    'm.whl  asking where it is',
    'm.whl  0 B of 100 MB (0 %)',
    'm.whl  10.0 MB of 100 MB (10 %)  5.00 MB/s  18 s left',
    'm.whl  100 MB of 100 MB (100 %)  4.74 MB/s',
  ]);
});

test('takes the rate of the last seconds, without what an earlier run brought', () => {
  const lines = follow([
    [0, 50e6, 100e6],
    [1, 60e6, 100e6],
    [11, 61e6, 100e6],
    [12, 62e6, 100e6],
  ]);
  expect(lines[1]).toContain('10.0 MB/s  4 s left');
  expect(lines[3]).toContain('182 kB/s  3 min 29 s left');
});

test('says what it can without a length', () => {
  expect(
    follow([
      [0, 1e6],
      [1, 2e6],
    ])[1],
  ).toBe('m.whl  2.00 MB  1.00 MB/s');
});
