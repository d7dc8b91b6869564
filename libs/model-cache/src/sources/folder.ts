import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { ModelFetchError } from '../errors.ts';
import type { Source } from './source.ts';

/** A file of this machine: copied weights, or a mounted share. */
export const folder: Source = {
  form: 'file:/path',

  accepts: (reference) => /^\/(?!\/)\P{Cc}+$/u.test(reference) && !reference.split('/').includes('..'),

  async open(reference) {
    const found = await stat(reference).catch(() => undefined);
    if (!found) throw new ModelFetchError('there is no such file');
    if (!found.isFile()) throw new ModelFetchError('this is no plain file');
    return createReadStream(reference, { highWaterMark: 1024 * 1024 });
  },
};
