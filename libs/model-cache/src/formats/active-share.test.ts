import { expect, test } from 'vitest';
import { toActiveShare } from './active-share.ts';

test.each([
  // As the models' cards have them: 3.3 of 30.5, 12.9 of 46.7 and 3.6 of 20.9 billion weights.
  ['Qwen3-30B-A3B', [48, 2048, 128, 8, 768, 32, 4, 128, 151_936], 3.3 / 30.5],
  ['Mixtral-8x7B', [32, 4096, 8, 2, 14_336, 32, 8, 128, 32_000], 12.9 / 46.7],
  ['gpt-oss-20b', [24, 2880, 32, 4, 2880, 64, 8, 64, 201_088], 3.6 / 20.9],
] as const)('%s multiplies a token with this share of its weights', (_, sizes, published) => {
  const [layers, width, experts, used, expertWidth, heads, kvHeads, headDim, vocabulary] = sizes;
  const share = toActiveShare({ layers, width, experts, used, expertWidth, heads, kvHeads, headDim, vocabulary });
  expect(Math.abs(share! / published - 1)).toBeLessThan(0.1);
});

test('a decoder without experts, or one that uses all of them, has no share', () => {
  const sizes = { layers: 2, width: 8, experts: 4, used: 2, expertWidth: 8, heads: 1, kvHeads: 1, headDim: 8 };
  expect(toActiveShare(sizes)).toBeLessThan(1);
  expect(toActiveShare({ ...sizes, experts: undefined })).toBeUndefined();
  expect(toActiveShare({ ...sizes, used: 4 })).toBeUndefined();
});
