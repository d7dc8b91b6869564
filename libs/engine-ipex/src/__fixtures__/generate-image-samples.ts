import type { TaskSamples } from '@xim/engine/testing';

const small = { prompt: 'a red house', format: 'png', width: 64, height: 48, seed: 1 } as const;

/** 1 pixel, 8-bit RGBA and transparent: a picture that is all mask (https://www.w3.org/TR/png-3/). */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

export const generateImageSamples: TaskSamples<'generateImage'> = {
  quick: small,
  long: { ...small, width: 512, height: 512, steps: 900, count: 16 },
  large: { ...small, width: 512, height: 512, steps: 1, count: 12 },
  more: [
    { ...small, count: 2, steps: 4, partials: 3 },
    { ...small, width: 67, height: 101, guidance: 1, format: 'webp', quality: 0 },
    { prompt: 'a cat', format: 'jpeg', seed: -1, image: { bytes: PIXEL }, width: 64, height: 64 },
  ],
  bad: [
    { what: 'a size beyond all memory', input: { ...small, width: 16_384, height: 16_384 }, param: 'width' },
    { what: 'a fraction of a seed', input: { ...small, seed: 1.5 }, param: 'seed' },
    { what: 'four partial pictures', input: { ...small, partials: 4 }, param: 'partials' },
    { what: 'an image of noise', input: { ...small, image: { bytes: new Uint8Array(100) } }, param: 'image' },
    { what: 'a mask without an image', input: { ...small, mask: { bytes: PIXEL } }, param: 'mask' },
    {
      what: 'strength without an image',
      input: { ...small, strength: 0.5 },
      code: 'XIM_UNSUPPORTED_PARAMETER',
      param: 'strength',
    },
  ],
};
