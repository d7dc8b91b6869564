import { type ImageEvent, type ImageInput, type ImageUsage, InvalidInputError } from '@xim/engine';
import type { ImagesResponse, ImageStreamEvent } from '@xim/openai-schema';
import { IncompleteError } from '../../errors/errors.ts';
import type { Frame } from '../../http/sse.ts';
import type { StoredPicture } from './picture-store.ts';

type Picture = Extract<ImageEvent, { type: 'image' }>;
type Quality = ImagesResponse['quality'];

/** The qualities of the API's answers; `standard` and `hd` are names of older models. */
export function toQuality(sent: string | null | undefined): Quality {
  if (sent === 'hd') return 'high';
  return sent === 'low' || sent === 'medium' || sent === 'high' ? sent : 'auto';
}

/**
 * Joins the events of a call into one answer. Throws InvalidInputError for a picture that the safety checker rejected.
 *
 * @param publish gives the addresses of pictures; without it the answer holds the pictures
 */
export async function toImagesResponse(
  events: AsyncIterable<ImageEvent>,
  { format }: ImageInput,
  quality: Quality,
  publish?: (pictures: readonly StoredPicture[]) => string[],
): Promise<ImagesResponse> {
  const pictures: Picture[] = [];
  let size = '';
  for await (const event of events) {
    if (event.type === 'start') size = `${event.width}x${event.height}`;
    else if (event.type === 'image' && event.partial === undefined) pictures[event.index] = assertAccepted(event);
    else if (event.type === 'end') {
      const created = Math.floor(Date.now() / 1000);
      const data = publish
        ? publish(pictures).map((url) => ({ url }))
        : pictures.map((picture) => ({ b64_json: toBase64(picture) }));
      const described = { size, quality, background: 'opaque', output_format: format } as const;
      return { created, data, ...described, usage: toUsage(event.usage) };
    }
  }
  throw new IncompleteError();
}

/**
 * Makes the function from an event to the frames of a stream. The frame of the finished picture waits for the usage.
 * Steps are comments, which clients of OpenAI's API pass over.
 *
 * @param route the prefix of the events' names
 */
export function createImageFrames(
  route: 'image_generation' | 'image_edit',
  { format }: ImageInput,
  quality: Quality,
): (event: ImageEvent) => Frame[] {
  let size = '';
  let finished: string | undefined;
  const frame = (event: ImageStreamEvent): Frame => ({ event: event.type, data: JSON.stringify(event) });
  const common = (b64: string) => ({
    b64_json: b64,
    created_at: Math.floor(Date.now() / 1000),
    ...({ size, quality, background: 'opaque', output_format: format } as const),
  });
  return (event) => {
    if (event.type === 'start') size = `${event.width}x${event.height}`;
    else if (event.type === 'progress') return [{ comment: `step ${event.step} of ${event.of}` }];
    else if (event.type === 'image' && event.partial !== undefined)
      return [
        frame({ type: `${route}.partial_image`, partial_image_index: event.partial, ...common(toBase64(event)) }),
      ];
    else if (event.type === 'image') finished = toBase64(event);
    else if (event.type === 'end' && finished !== undefined)
      return [frame({ type: `${route}.completed`, ...common(finished), usage: toUsage(event.usage) })];
    return [];
  };
}

function assertAccepted(picture: Picture): Picture {
  if (picture.rejected !== true) return picture;
  const message = 'The safety checker of the model rejected the picture. Change the prompt or the seed.';
  throw new InvalidInputError(message, { param: 'prompt' });
}

function toBase64(picture: Picture): string {
  const { bytes } = assertAccepted(picture);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function toUsage({ textTokens, imageTokens, outputTokens }: ImageUsage): ImagesResponse['usage'] {
  const input = textTokens + imageTokens;
  return {
    input_tokens: input,
    output_tokens: outputTokens,
    total_tokens: input + outputTokens,
    input_tokens_details: { text_tokens: textTokens, image_tokens: imageTokens },
  };
}
