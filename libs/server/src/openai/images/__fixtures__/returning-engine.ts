import { readFile } from 'node:fs/promises';
import type { ImageEvent, ImageInput, Media } from '@xim/engine';
import { scripted } from '../../../__fixtures__/scripted-engine.ts';

const read = async (media: Media): Promise<Buffer> =>
  Buffer.from('path' in media ? await readFile(media.path) : media.bytes);

/** Every picture is the PNG that is edited, byte for byte; the unfinished ones are its mask, where it has one. */
async function* giveBack({ prompt, image, mask, count = 1, partials = 0 }: ImageInput): AsyncGenerator<ImageEvent> {
  if (image === undefined) throw new Error('Only an edit was expected.');
  const bytes = await read(image);
  const unfinished = mask ? await read(mask) : bytes;
  const mediaType = 'image/png';
  // https://www.w3.org/TR/png-3/#11IHDR
  yield { type: 'start', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  for (let partial = 0; partial < partials; partial++)
    yield { type: 'image', index: 0, partial, bytes: unfinished, mediaType };
  for (let index = 0; index < count; index++) yield { type: 'image', index, bytes, mediaType };
  yield { type: 'end', usage: { textTokens: prompt.split(' ').length, imageTokens: 1, outputTokens: count } };
}

/** An engine for edits, which echo refuses. */
export const returning = scripted({ generateImage: giveBack });
