import { z } from 'zod';
import { expectError, expectSuccess, fetchJson } from '../answers.ts';
import type { Check, Context } from '../check.ts';
import type { Answer } from '../client.ts';
import { expectEqual, expectShape, expectThat } from '../expectations.ts';
import { type ImageHead, readImageHead } from '../image-size.ts';
import { DONE, toFrames, toObjects } from '../sse.ts';

export const IMAGES = '/v1/images/generations';
const EDITS = '/v1/images/edits';
const PROMPT = 'a red circle on a white background';
/** Small, and a multiple of the block sizes of models. */
const SMALL = '64x64';

const count = z.int().min(0);
const Usage = z.looseObject({ input_tokens: count, output_tokens: count, total_tokens: count });
const Pictures = z.looseObject({
  created: z.int(),
  data: z.array(z.looseObject({ b64_json: z.base64().min(1) })).min(1),
});

const tryDraw = (context: Context, more: object): Promise<Answer> =>
  context.send({ path: IMAGES, body: { model: context.model, prompt: PROMPT, response_format: 'b64_json', ...more } });

/** The files of a successful answer. */
async function draw(context: Context, more: object): Promise<Buffer[]> {
  const body = { model: context.model, prompt: PROMPT, response_format: 'b64_json', ...more };
  const { data } = expectShape(Pictures, await fetchJson(context, { path: IMAGES, body }), 'answer');
  return data.map(({ b64_json: b64 }) => Buffer.from(b64, 'base64'));
}

function expectPicture(bytes: Buffer | undefined, format: ImageHead['format'], size?: string): ImageHead {
  const head = bytes && readImageHead(bytes);
  expectThat(head?.format === format, `a picture of the format ${format}`, bytes?.subarray(0, 12).toString('hex'));
  if (size !== undefined) expectEqual(`${head!.width}x${head!.height}`, size, 'the size of the picture');
  return head!;
}

/** The form of an edit, with the fields in the order of the official SDK for Python. */
function toForm(context: Context, picture: Buffer, fields: Readonly<Record<string, string>>) {
  const boundary = 'xim-conformance-8f1c2d';
  const all = { model: context.model, prompt: PROMPT, ...fields };
  const parts = Object.entries(all).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const file = 'Content-Disposition: form-data; name="image"; filename="picture.png"\r\nContent-Type: image/png';
  const raw = Buffer.concat([
    Buffer.from(`${parts.join('')}--${boundary}\r\n${file}\r\n\r\n`),
    ...[picture, Buffer.from(`\r\n--${boundary}--\r\n`)],
  ]);
  return { path: EDITS, raw, headers: { 'content-type': `multipart/form-data; boundary=${boundary}` } };
}

const wrong: readonly (readonly [id: string, title: string, more: object, param: string])[] = [
  ['prompt-missing', 'a request without a prompt is refused', { prompt: undefined }, 'prompt'],
  ['prompt-empty', 'an empty prompt is refused', { prompt: '' }, 'prompt'],
  ['n-zero', 'n: 0 is refused', { n: 0 }, 'n'],
  ['n-many', 'n: 11 is refused', { n: 11 }, 'n'],
  ['size', 'a malformed size is refused', { size: 'large' }, 'size'],
  ['size-zero', 'a size of nothing is refused', { size: '0x64' }, 'size'],
  ['size-huge', 'a picture of 16384x16384 is refused at once', { size: '16384x16384' }, 'size'],
  ['quality', 'an unknown quality is refused', { quality: 'best' }, 'quality'],
  ['format', 'an unknown output_format is refused', { output_format: 'gif' }, 'output_format'],
  ['response-format', 'an unknown response_format is refused', { response_format: 'png' }, 'response_format'],
  ['partials', 'four partial pictures are refused', { stream: true, partial_images: 4 }, 'partial_images'],
];

export const imageChecks: readonly Check[] = [
  {
    id: 'images.fields',
    title: 'an answer has created and one picture, in the model’s own size',
    why: 'Clients read both fields.',
    async run(context) {
      const [picture, ...more] = await draw(context, {});
      expectEqual(more.length, 0, 'the number of further pictures');
      expectPicture(picture, 'png');
    },
  },
  {
    id: 'images.n',
    title: 'a request for n pictures gives n different pictures',
    why: 'Galleries reserve space for n pictures.',
    mayRefuse: ['n'],
    async run(context) {
      const pictures = await draw(context, { n: 2, size: SMALL });
      expectEqual(pictures.length, 2, 'the number of pictures');
      expectThat(!pictures[0]!.equals(pictures[1]!), 'two pictures that differ', 'the same picture twice');
    },
  },
  ...['64x64', '64x96', '72x40', 'auto'].map((size): Check => ({
    id: `images.size.${size}`,
    title: size === 'auto' ? 'a size of auto is the size without one' : `a size of ${size} is kept exactly`,
    why: 'Layouts expect the requested size.',
    mayRefuse: ['size'],
    async run(context) {
      const [picture] = await draw(context, { size });
      if (size !== 'auto') return void expectPicture(picture, 'png', size);
      const [plain] = await draw(context, {});
      const { width, height } = expectPicture(plain, 'png');
      expectPicture(picture, 'png', `${width}x${height}`);
    },
  })),
  ...(['png', 'jpeg', 'webp'] as const).map((format): Check => ({
    id: `images.format.${format}`,
    title: `output_format: ${format} is a file of ${format}`,
    why: 'The file gets a name with the requested format.',
    mayRefuse: ['output_format'],
    async run(context) {
      expectPicture((await draw(context, { output_format: format, size: SMALL }))[0], format, SMALL);
    },
  })),
  {
    id: 'images.seed',
    title: 'the same seed gives the same bytes, another seed others',
    why: 'Users store the seed to make the same picture again.',
    mayRefuse: ['seed'],
    async run(context) {
      const [one] = await draw(context, { seed: 5, size: SMALL });
      const [again] = await draw(context, { seed: 5, size: SMALL });
      const [other] = await draw(context, { seed: 6, size: SMALL });
      expectThat(one!.equals(again!), 'the same picture for the same seed', 'another one');
      expectThat(!one!.equals(other!), 'another picture for another seed', 'the same one');
    },
  },
  {
    id: 'images.stream',
    title: 'a stream has at most the requested partial pictures, then the finished picture with its usage',
    why: 'Clients show partial pictures by their index, and stop at the finished picture.',
    mayRefuse: ['stream', 'partial_images', 'response_format'],
    async run(context) {
      const answer = await tryDraw(context, {
        stream: true,
        partial_images: 2,
        size: SMALL,
        response_format: undefined,
      });
      expectSuccess(answer);
      const type = answer.headers['content-type'];
      expectThat(type?.startsWith('text/event-stream'), 'a content-type of text/event-stream', type);
      const frames = toFrames(answer.text);
      expectThat(!frames.frames.some(({ data }) => data === DONE), 'no [DONE] in a stream of pictures', DONE);
      const events = toObjects(frames);
      const common = { b64_json: z.base64().min(1), created_at: z.int() };
      const Partial = z.looseObject({
        type: z.literal('image_generation.partial_image'),
        partial_image_index: count,
        ...common,
      });
      const partials = expectShape(z.array(Partial).max(2), events.slice(0, -1), 'the events before the last');
      partials.forEach((partial, index) => expectEqual(partial.partial_image_index, index, 'the index'));
      const Completed = z.looseObject({ type: z.literal('image_generation.completed'), usage: Usage, ...common });
      const { b64_json: b64 } = expectShape(Completed, events.at(-1), 'the last event');
      expectPicture(Buffer.from(b64, 'base64'), 'png', SMALL);
    },
  },
  {
    id: 'images.edit',
    title: 'an edit has the size of its picture',
    why: 'The result replaces the picture in its place.',
    mayRefuse: ['image'],
    async run(context) {
      const [picture] = await draw(context, { size: SMALL });
      const answer = await context.send(toForm(context, picture!, {}));
      expectSuccess(answer);
      const { data } = expectShape(Pictures, JSON.parse(answer.text), 'answer');
      expectPicture(Buffer.from(data[0]!.b64_json, 'base64'), 'png', SMALL);
    },
  },
  {
    id: 'images.edit-noise',
    title: 'a file that is no picture is refused',
    why: 'SDKs retry after a 5xx.',
    async run(context) {
      const answer = await context.send(toForm(context, Buffer.from('no picture'.repeat(20)), {}));
      expectError(answer, { status: 400, param: 'image' });
    },
  },
  {
    id: 'images.unknown-fields',
    title: 'unknown fields are ignored',
    why: 'Clients may be newer than the server.',
    async run(context) {
      await draw(context, { x_unknown: 1, size: SMALL });
    },
  },
  ...wrong.map(([id, title, more, param]): Check => ({
    id: `images.invalid.${id}`,
    title,
    why: 'A wrong request must get an error that the SDKs can read.',
    async run(context) {
      expectError(await tryDraw(context, more), { status: 400, param });
    },
  })),
  {
    id: 'images.unknown-model',
    title: 'an unknown model is a 404 with code model_not_found',
    why: 'Another model makes another picture.',
    async run(context) {
      const answer = await tryDraw(context, { model: 'no-such-model' });
      expectEqual(answer.status, 404, 'the status');
      expectError(answer, { status: 404, code: 'model_not_found' });
    },
  },
];
