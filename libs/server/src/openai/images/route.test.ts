import { ErrorResponse } from '@effect/ai-openai/Generated';
import { ImagesResponse, ImageStreamEvent } from '@xim/openai-schema';
import { Schema } from 'effect';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MediaService, startMediaService } from '../../http/__fixtures__/media-service.ts';
import { images } from './route.ts';

const prompt = 'a lighthouse';
const model = 'xim/echo-generateImage';
let service: MediaService;
let client: OpenAI;
beforeAll(async () => {
  // A slot is free a moment after its answer was read.
  service = await startMediaService('generateImage', {
    ...{ routes: [images], env: { XIM_QUEUE: '8' }, model: { aliases: ['dall-e-3'] } },
  });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => service.stop());

const post = (fields: object, to = service) =>
  to.post('/v1/images/generations', JSON.stringify({ prompt, ...fields }), { 'content-type': 'application/json' });
const answerOf = async (fields: object): Promise<ImagesResponse> => {
  const response = await post(fields);
  const body: unknown = await response.json();
  if (response.status !== 200) throw new Error(JSON.stringify(body));
  return ImagesResponse.parse(body);
};
const refusalOf = async (response: Response) => {
  const body: unknown = await response.json();
  return { status: response.status, ...Schema.decodeUnknownSync(ErrorResponse)(body).error };
};
/** Width and height of a PNG (https://www.w3.org/TR/png-3/#11IHDR). */
const sizeOf = (b64: string | undefined): string => {
  const bytes = Buffer.from(b64!, 'base64');
  expect(bytes.subarray(1, 4).toString()).toBe('PNG');
  return `${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`;
};

describe('a generation', () => {
  it('is pictures of the size asked for, as many as asked for', async () => {
    const { data, size, usage, output_format, quality, background } = await answerOf({ n: 3, size: '40x24', seed: 7 });
    expect(data.map(({ b64_json: b64 }) => sizeOf(b64))).toEqual(['40x24', '40x24', '40x24']);
    expect({ size, output_format, quality, background }).toEqual({
      ...{ size: '40x24', output_format: 'png', quality: 'auto', background: 'opaque' },
    });
    expect(usage).toMatchObject({ input_tokens: 2, total_tokens: 2 + usage.output_tokens });
  });

  it.each([
    {},
    { size: 'auto' },
    { size: null, n: null, quality: null, user: 'me', moderation: 'low', style: 'vivid' },
  ])('has the size of the model and one picture with %o', async (fields) => {
    const { data, size } = await answerOf(fields);
    expect(data.map(({ b64_json: b64 }) => sizeOf(b64))).toEqual(['64x64']);
    expect(size).toBe('64x64');
  });

  it('is the same for the same seed, and picture i has seed + i', async () => {
    const [both, second] = [await answerOf({ n: 2, seed: 5 }), await answerOf({ seed: 6 })];
    expect(both.data[1]).toEqual(second.data[0]);
    expect(both.data[0]).not.toEqual(second.data[0]);
  });

  it('differs with another prompt and with a negative prompt', async () => {
    const pictures = await Promise.all(
      [{}, { prompt: 'a harbour' }, { negative_prompt: 'fog' }].map((fields) => answerOf({ seed: 1, ...fields })),
    );
    expect(new Set(pictures.map(({ data }) => data[0]!.b64_json)).size).toBe(3);
  });

  it.each([
    ['low', 2],
    ['standard', 4],
    ['hd', 8],
  ])('of quality %s takes %i steps', async (quality, steps) => {
    const metric = async () => Number((await service.metrics('xim_image_steps_total{'))[0]!.split(' ').at(-1));
    const before = await metric();
    await answerOf({ quality });
    expect((await metric()) - before).toBe(steps);
  });

  it('is counted with its pixels', async () => {
    const read = async (name: string) => Number((await service.metrics(`${name}{`))[0]!.split(' ').at(-1));
    const before = [await read('xim_images_total'), await read('xim_image_pixels_total')];
    await answerOf({ n: 2, size: '10x20' });
    const after = [await read('xim_images_total'), await read('xim_image_pixels_total')];
    expect(after.map((value, at) => value - before[at]!)).toEqual([2, 400]);
  });

  it('takes the official client’s call', async () => {
    const { data, created } = await client.images.generate({ model: 'dall-e-3', prompt, size: '256x256', n: 1 });
    expect(data!.map(({ b64_json: b64 }) => sizeOf(b64))).toEqual(['256x256']);
    expect(Number.isInteger(created)).toBe(true);
  });
});

describe('a stream', () => {
  it('has partial pictures, then the finished one with its usage, for the official client', async () => {
    const stream = await client.images.generate({ model, prompt, stream: true, partial_images: 2 });
    const events = [];
    for await (const event of stream) events.push(event);
    expect(events.map(({ type }) => type)).toEqual([
      ...['image_generation.partial_image', 'image_generation.partial_image', 'image_generation.completed'],
    ]);
    expect(events.map((event) => ('partial_image_index' in event ? event.partial_image_index : undefined))).toEqual([
      ...[0, 1, undefined],
    ]);
    for (const event of events) expect(sizeOf(ImageStreamEvent.parse(event).b64_json)).toBe('64x64');
    const [whole] = (await answerOf({ seed: 0 })).data;
    expect(events.at(-1)!.b64_json).toBe(whole!.b64_json);
  });

  it('names each event on a line of its own and has no [DONE]', async () => {
    const text = await (await post({ stream: true })).text();
    expect(text).toMatch(/\n\nevent: image_generation\.completed\ndata: \{"type":"image_generation\.completed",/);
    expect(text).not.toContain('[DONE]');
  });

  it('tells its steps in comments, and /v1/metadata has them meanwhile', async () => {
    const slow = await startMediaService('generateImage', { routes: [images], echo: { rate: 1 } });
    const progressOf = async () =>
      ((await (await fetch(`${slow.url}/v1/metadata`)).json()) as { progress: { step: number; of: number }[] })
        .progress;
    expect(await progressOf()).toEqual([]);
    const response = await post({ stream: true, num_inference_steps: 12 }, slow);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('step 2 of 12')) {
      const { done, value } = await reader.read();
      expect(done, text).toBe(false);
      text += value;
    }
    const [{ step, of }, ...others] = (await progressOf()) as [{ step: number; of: number }];
    expect({ of, others }).toEqual({ of: 12, others: [] });
    expect(step).toBeGreaterThanOrEqual(2);
    await reader.cancel();
    const whole = await (await post({ stream: true, num_inference_steps: 12 })).text();
    const steps = [...whole.matchAll(/^: step (\d+) of 12$/gm)].map(([, number]) => Number(number));
    expect(steps).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    await slow.idle();
    expect(await progressOf()).toEqual([]);
    await slow.stop();
  });
});

describe('a request is refused by name', () => {
  it.each([
    ['prompt', { prompt: '' }],
    ['n', { n: 0 }],
    ['n', { n: 11 }],
    ['n', { n: 2, stream: true }],
    ['size', { size: '512' }],
    ['size', { size: '0x64' }],
    ['size', { size: '99999x99999' }],
    ['quality', { quality: 'best' }],
    ['style', { style: 'natural' }],
    ['complexity', { complexity: 'high' }],
    ['background', { background: 'transparent' }],
    ['response_format', { response_format: 'url' }],
    ['response_format', { response_format: 'url', stream: true }],
    ['response_format', { response_format: 'png' }],
    ['output_format', { output_format: 'gif' }],
    ['output_compression', { output_compression: 50 }],
    ['partial_images', { partial_images: 1 }],
    ['partial_images', { partial_images: 4, stream: true }],
    ['seed', { seed: 1.5 }],
    ['num_inference_steps', { num_inference_steps: 0 }],
    ['guidance_scale', { guidance_scale: -1 }],
  ])('%s: %o', async (param, fields) => {
    const { status, ...error } = await refusalOf(await post(fields));
    expect({ status, param: error.param }).toEqual({ status: 400, param });
    // An engine speaks of a side of the picture.
    expect(error.message).toMatch(new RegExp(`${param}|width`));
  });

  it('for a model that is not served', async () => {
    expect(await refusalOf(await post({ model: 'org/other' }))).toMatchObject({ status: 404, code: 'model_not_found' });
  });

  it('that cannot end before its deadline, before it starts', async () => {
    const slow = await startMediaService('generateImage', {
      ...{ routes: [images], echo: { rate: 200 }, env: { XIM_REQUEST_TIMEOUT_SECONDS: '5' } },
    });
    const { status, message, param } = await refusalOf(await post({ n: 10, num_inference_steps: 1000 }, slow));
    expect({ status, param }).toEqual({ status: 400, param: 'n' });
    expect(message).toMatch(/takes about 50 s on this host, and its deadline is 5 s/);
    expect((await post({ n: 1 }, slow)).status).toBe(200);
    const hurried = await slow.post('/v1/images/generations', JSON.stringify({ prompt, num_inference_steps: 400 }), {
      ...{ 'content-type': 'application/json', 'x-request-timeout': '1' },
    });
    expect(await refusalOf(hurried)).toMatchObject({ status: 400, param: 'num_inference_steps' });
    expect(slow.log.map(({ msg }) => msg)).toContain('a picture takes about this long');
    await slow.stop();
  });

  it('at /v1/images/variations, with advice', async () => {
    const refusal = await refusalOf(await service.post('/v1/images/variations', new FormData()));
    expect(refusal).toMatchObject({ status: 400 });
    expect(refusal.message).toContain('/v1/images/edits');
  });
});

describe('with a public address', () => {
  let shared: MediaService;
  beforeAll(async () => {
    const env = { XIM_PUBLIC_URL: 'https://pictures.example.org/base/', XIM_API_KEYS: 'secret' };
    shared = await startMediaService('generateImage', { routes: [images], env });
  });
  afterAll(() => shared.stop());
  const ask = (fields: object) =>
    shared.post('/v1/images/generations', JSON.stringify({ prompt, seed: 3, ...fields }), {
      ...{ 'content-type': 'application/json', authorization: 'Bearer secret' },
    });

  it('pictures are addresses where asked for, which answer without a key', async () => {
    const { data } = ImagesResponse.parse(await (await ask({ response_format: 'url', n: 2 })).json());
    const paths = data.map((picture) => {
      expect(Object.keys(picture)).toEqual(['url']);
      expect(picture.url).toMatch(/^https:\/\/pictures\.example\.org\/base\/v1\/images\/files\/[\w-]{32}\.png$/);
      return new URL(picture.url!).pathname.replace('/base', '');
    });
    const answers = await Promise.all(paths.map((path) => fetch(`${shared.url}${path}`)));
    expect(answers.map(({ status, headers }) => [status, headers.get('content-type')])).toEqual([
      ...[200, 200].map((status) => [status, 'image/png']),
    ]);
    const bytes = await Promise.all(
      answers.map(async (one) => Buffer.from(await one.arrayBuffer()).toString('base64')),
    );
    const plain = ImagesResponse.parse(await (await ask({ n: 2 })).json());
    expect(plain.data).toEqual(bytes.map((b64) => ({ b64_json: b64 })));
  });

  it('another name is a 404', async () => {
    const missing = await fetch(`${shared.url}/v1/images/files/none.png`);
    expect(await refusalOf(missing)).toMatchObject({ status: 404 });
  });
});

describe('an edit', () => {
  const form = (files: readonly (readonly [string, string | Blob])[], fields: object = { prompt }) => {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, String(value));
    for (const [name, file] of files) {
      if (typeof file === 'string') body.append(name, file);
      else body.append(name, file, 'picture.png');
    }
    return service.post('/v1/images/edits', body);
  };
  const picture = new Blob(['not read by this engine'], { type: 'image/png' });

  it.each([
    ['no picture', 'image', form.bind(null, [])],
    ['text in place of a picture', 'image', form.bind(null, [['image', 'a lighthouse']])],
    ['an empty picture', 'image', form.bind(null, [['image', new Blob([])]])],
    [
      'two pictures',
      'image',
      form.bind(null, [
        ['image[]', picture],
        ['image[]', picture],
      ]),
    ],
    [
      'an empty mask',
      'mask',
      form.bind(null, [
        ['image', picture],
        ['mask', new Blob([])],
      ]),
    ],
    [
      'a drawing over the picture',
      'markup',
      form.bind(null, [
        ['image', picture],
        ['markup', picture],
      ]),
    ],
    ['no prompt', 'prompt', form.bind(null, [['image', picture]], {})],
    ['a strength of 0', 'strength', form.bind(null, [['image', picture]], { prompt, strength: 0 })],
    ['high fidelity', 'input_fidelity', form.bind(null, [['image', picture]], { prompt, input_fidelity: 'high' })],
    ['a word as a number', 'n', form.bind(null, [['image', picture]], { prompt, n: 'two' })],
  ])('with %s is refused by name', async (_fault, param, send) => {
    const { status, ...error } = await refusalOf(await send());
    expect({ status, param: error.param }).toEqual({ status: 400, param });
  });

  it('reaches the engine with its file, and leaves none behind', async () => {
    // Echo makes pictures out of text alone and says so.
    const { status, param, message } = await refusalOf(await form([['image', picture]]));
    expect({ status, param }).toEqual({ status: 400, param: 'image' });
    expect(message).toContain('out of text only');
    await service.idle();
    expect(service.left()).toEqual([]);
  });
});
