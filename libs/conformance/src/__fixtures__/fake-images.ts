import { type Exchange, checkRanges, refuse } from './fake-exchange.ts';
import { checkModel } from './fake-openai.ts';

const QUALITIES = ['auto', 'standard', 'hd', 'low', 'medium', 'high'];
const FORMATS = ['png', 'jpeg', 'webp'];
const usage = { input_tokens: 3, output_tokens: 9, total_tokens: 12 };
let seeds = 1000;

/** A file with a valid head and the size; its content is the seed. */
export function toPicture(format: string, width: number, height: number, seed: number): Buffer {
  const size = Buffer.alloc(8);
  const picture = Buffer.from(`the picture of the seed ${seed}`);
  if (format === 'png') {
    size.writeUInt32BE(width, 0);
    size.writeUInt32BE(height, 4);
    return Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), size, picture]);
  }
  if (format === 'jpeg') {
    size.writeUInt16BE(height, 0);
    size.writeUInt16BE(width, 2);
    return Buffer.concat([Buffer.from('ffd8ffc0001108', 'hex'), size.subarray(0, 4), picture]);
  }
  size.writeUInt16LE(width, 0);
  size.writeUInt16LE(height, 2);
  return Buffer.concat([
    ...[Buffer.from('RIFF0000WEBPVP8 0000'), Buffer.from('d001009d012a', 'hex'), size.subarray(0, 4), picture],
  ]);
}

/** Answers with files whose content depends on the seed. */
export function drawing(exchange: Exchange): unknown {
  const { request: body } = exchange;
  checkModel(body);
  if (typeof body.prompt !== 'string' || body.prompt === '') refuse('prompt: expected a text', 'prompt');
  checkRanges(body, [
    ['n', 1, 10, true],
    ['partial_images', 0, 3, true],
  ]);
  const { size = '32x32', quality = 'auto', output_format: format = 'png', response_format: sent = 'b64_json' } = body;
  if (!QUALITIES.includes(quality)) refuse('quality: unknown', 'quality');
  if (!FORMATS.includes(format)) refuse('output_format: unknown', 'output_format');
  if (!['b64_json', 'url'].includes(sent)) refuse('response_format: unknown', 'response_format');
  const sides = /^(\d+)x(\d+)$/
    .exec(size === 'auto' ? '32x32' : size)
    ?.slice(1)
    .map(Number);
  if (!sides || sides.some((side) => side < 1 || side > 4096)) return refuse('size: WIDTHxHEIGHT to 4096', 'size');
  const draw = (seed: number) => toPicture(format, sides[0]!, sides[1]!, seed).toString('base64');
  const created = 1_700_000_000;
  const seed = body.seed ?? (seeds += 100);
  if (body.stream === true) {
    const partials = Array.from({ length: body.partial_images ?? 0 }, (_, at) => ({
      ...{ type: 'image_generation.partial_image', partial_image_index: at, created_at: created, b64_json: draw(at) },
    }));
    exchange.frames = [
      ...partials,
      { type: 'image_generation.completed', created_at: created, b64_json: draw(seed), usage },
    ];
    return undefined;
  }
  const data = Array.from({ length: body.n ?? 1 }, (_, at) => ({ b64_json: draw(seed + at) }));
  return { created, data, usage };
}

/** Answers with a picture of the same size. */
export function imageEdit({ request: form }: Exchange): unknown {
  checkModel(form);
  const image: unknown = form.image;
  if (!Buffer.isBuffer(image) || image.toString('latin1', 1, 4) !== 'PNG') return refuse('image: no picture', 'image');
  const picture = toPicture('png', image.readUInt32BE(16), image.readUInt32BE(20), 1);
  return { created: 1_700_000_000, data: [{ b64_json: picture.toString('base64') }], usage };
}
