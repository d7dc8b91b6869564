import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelFetchError } from '../errors.ts';
import { readGguf } from '../formats/gguf.ts';
import { openFile } from '../formats/read-at.ts';
import type { ModelFiles } from './model-format.ts';

/** The longest text of a model that is read whole: a vocabulary has a few megabytes. */
const LONGEST_TEXT = 64 * 2 ** 20;

/** The files of a folder and of the folders in it; neither hidden nor empty ones, which have no content to verify. */
export async function localFiles(
  folder: string,
  place: string,
  naming: ModelFiles['naming'] = (name) => join(folder, name),
): Promise<ModelFiles> {
  return {
    place,
    names: await namesIn(folder, '', 1),
    naming,
    async text(name) {
      const { size } = await stat(join(folder, name));
      if (size > LONGEST_TEXT) throw new ModelFetchError(`${naming(name)} has ${size} bytes; expected a short text`);
      return readFile(join(folder, name), 'utf8');
    },
    gguf: (name) => openFile(join(folder, name), (readAt) => readGguf(readAt, join(folder, name))),
  };
}

async function namesIn(folder: string, prefix: string, depth: number): Promise<string[]> {
  const names: string[] = [];
  for (const name of (await readdir(join(folder, prefix))).sort()) {
    // A link of the cache leads to a file elsewhere.
    const found = name.startsWith('.') ? undefined : await stat(join(folder, prefix, name)).catch(() => undefined);
    if (found?.isFile() && found.size > 0) names.push(`${prefix}${name}`);
    if (found?.isDirectory() && depth > 0) names.push(...(await namesIn(folder, `${prefix}${name}/`, depth - 1)));
  }
  return names;
}
