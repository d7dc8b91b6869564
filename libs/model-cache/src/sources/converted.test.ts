import { expect, test } from 'vitest';
import { converted } from './converted.ts';

const opened = (reference: string): Promise<unknown> => converted.open(reference, {} as never, {} as never);

test.each([
  ['embed/oneapi/int8:org/name@v1', '--from org/name@v1 --task embed --to oneapi --weights int8'],
  ['generate/xft/fp8_e4m3:local/name', '--from local/name --task generate --to xft --weights fp8_e4m3'],
  ['int4:org/name', '--from org/name --weights int4'],
])('%s is no place: the message has the command that makes the file', async (reference, settings) => {
  await expect(opened(reference)).rejects.toMatchObject({
    code: 'XIM_MODEL_FETCH',
    message: expect.stringContaining(`(npx xim-models convert models.json ${settings})`) as string,
  });
});

test.each(['int3:org/name', 'embed/int8:org/name', 'int8:', 'int8'])('%s is no recipe', (reference) => {
  expect(converted.accepts(reference)).toBe(false);
});
