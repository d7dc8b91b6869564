import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ModelFetchError } from '../errors.ts';
import type { Source } from './source.ts';

/** Begins the path of a file that lies beside models.json or below. */
const BESIDE = 'file:./';

/**
 * A file of this machine: copied weights, a mounted share, or a small model that a service ships beside its models.json.
 */
export const folder: Source = {
  form: 'file:/path or file:./path',

  accepts: (reference) => /^\.?\/(?!\/)\P{Cc}+$/u.test(reference) && !reference.split('/').includes('..'),

  isHere: async (reference) => (await stat(reference).catch(() => undefined))?.isFile() === true,

  async open(reference) {
    const found = await stat(reference).catch(() => undefined);
    if (!found) throw new ModelFetchError('there is no such file');
    if (!found.isFile()) throw new ModelFetchError('this is no plain file');
    return createReadStream(reference, { highWaterMark: 1024 * 1024 });
  },
};

/** The source with the path of its file from the root. `from` is the folder of the models.json that names it. */
export function fromFolder(source: string, from: string): string {
  return source.startsWith(BESIDE) ? `file:${resolve(from, source.slice('file:'.length))}` : source;
}
