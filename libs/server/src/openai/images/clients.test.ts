import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { DallEAPIWrapper } from '@langchain/openai';
import { generateImage } from 'ai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MediaService, startMediaService } from '../../http/__fixtures__/media-service.ts';
import { returning } from './__fixtures__/returning-engine.ts';
import { images } from './route.ts';

const prompt = 'a lighthouse';
let drawing: MediaService;
let editing: MediaService;
beforeAll(async () => {
  // A slot is free a moment after its answer was read.
  const env = { XIM_QUEUE: '8', XIM_PUBLIC_URL: 'https://pictures.example.org' };
  const options = { routes: [images], env, model: { aliases: ['gpt-image-1', 'dall-e-3'] } };
  [drawing, editing] = await Promise.all([
    startMediaService('generateImage', options),
    startMediaService('generateImage', { ...options, engine: returning }),
  ]);
});
afterAll(() => Promise.all([drawing.stop(), editing.stop()]));

it('the openai package for Python', { timeout: 300_000 }, async () => {
  const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  const args = [file('./__fixtures__/python_image_client.py'), `${drawing.url}/v1`, `${editing.url}/v1`];
  const { stdout } = await promisify(execFile)(file('../../../../../.venv/dev/bin/python'), args);
  expect(stdout).toMatch(/^openai [\d.]+: all as it should be$/m);
});

/** Width and height of a PNG (https://www.w3.org/TR/png-3/#11IHDR). */
const sizeOf = (bytes: Uint8Array): number[] => [16, 20].map((at) => Buffer.from(bytes).readUInt32BE(at));

const openai = ({ url }: MediaService, name: string) =>
  createOpenAI({ baseURL: `${url}/v1`, apiKey: 'none' }).image(name);
const compatible = ({ url }: MediaService, name: string) =>
  createOpenAICompatible({ name: 'xim', baseURL: `${url}/v1` }).imageModel(name);

describe.each([
  // The client leaves the format of the answer out where the model has one of OpenAI's names.
  ['@ai-sdk/openai, gpt-image-1', openai, 'gpt-image-1'],
  // The client asks for one picture at a time.
  ['@ai-sdk/openai, dall-e-3', openai, 'dall-e-3'],
  ['@ai-sdk/openai, the name of the model', openai, 'xim/echo-generateImage'],
  ['@ai-sdk/openai-compatible', compatible, 'xim/echo-generateImage'],
] as const)('the AI SDK: %s', (_, modelOf, name) => {
  it('generates pictures', async () => {
    const model = modelOf(drawing, name);
    const answer = await generateImage({ model, prompt, n: 2, size: '48x32', maxRetries: 0 });
    expect(answer.images.map(({ mediaType, uint8Array }) => [mediaType, sizeOf(uint8Array)])).toEqual([
      ...[0, 1].map(() => ['image/png', [48, 32]]),
    ]);
    expect(answer.warnings).toEqual([]);
  });

  it('edits a picture, with and without a mask', async () => {
    const { image } = await generateImage({ model: modelOf(drawing, name), prompt, maxRetries: 0 });
    const png = image.uint8Array;
    const model = modelOf(editing, name);
    for (const more of [{}, { mask: png }]) {
      const edit = { text: 'at night', images: [png], ...more };
      const answer = await generateImage({ model, prompt: edit, maxRetries: 0 });
      expect(answer.images.map(({ base64 }) => base64)).toEqual([image.base64]);
    }
  });

  it('has the message of a refusal', async () => {
    const model = modelOf(drawing, name);
    await expect(generateImage({ model, prompt, size: '9999x1', maxRetries: 0 })).rejects.toThrow('must be 1 to 4096');
  });
});

describe('the tool of LangChain', () => {
  const toolWith = (more: ConstructorParameters<typeof DallEAPIWrapper>[0] = {}) =>
    new DallEAPIWrapper({ apiKey: 'none', baseUrl: `${drawing.url}/v1`, ...more });
  const address = expect.stringMatching(/^https:\/\/pictures\.example\.org\/v1\/images\/files\/[\w-]{32}\.png$/);

  it('gives addresses, as it asks for where it has no options', async () => {
    expect(await toolWith().invoke(prompt)).toEqual(address);
    expect(await toolWith({ n: 2, size: '256x256' }).invoke(prompt)).toEqual([
      ...[0, 1].map(() => ({ type: 'image_url', image_url: address })),
    ]);
  });

  it('gives a picture', async () => {
    const answer = await toolWith({ dallEResponseFormat: 'b64_json', size: '256x256' }).invoke(prompt);
    expect(sizeOf(Buffer.from(answer, 'base64'))).toEqual([256, 256]);
  });
});
