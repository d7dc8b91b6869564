import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchArtifact, readModels } from '@xim/model-cache';
import type { XimServer } from '@xim/server';
import { openService } from '@xim/server/testing';
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import app from './app.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const venvs = process.env['XIM_VENVS'] ?? join(root, '.venv');
const python = join(venvs, 'ipex/bin/python');
const cacheDir = process.env['XIM_MODEL_CACHE'] ?? join(root, '.model_cache');
const MODEL = 'xim/coloured-shapes';

type Colour = [red: number, green: number, blue: number];

/** The size of a picture, and the mean colours (0 to 255) of its middle and of its corners, 8 x 8 pixels each. */
const LOOK = `
import io, json, sys
import numpy as np
from PIL import Image
pixels = np.asarray(Image.open(io.BytesIO(sys.stdin.buffer.read())).convert("RGB"), float)
height, width = pixels.shape[:2]
middle = pixels[height // 2 - 4 : height // 2 + 4, width // 2 - 4 : width // 2 + 4]
corners = [pixels[y, x] for y in (slice(0, 8), slice(-8, None)) for x in (slice(0, 8), slice(-8, None))]
mean = lambda part: np.mean(part, axis=(-3, -2)).tolist()
print(json.dumps({"size": [width, height], "middle": mean(middle), "corners": np.mean([mean(c) for c in corners], axis=0).tolist()}))
`;

interface Look {
  readonly size: [width: number, height: number];
  readonly middle: Colour;
  readonly corners: Colour;
}

const look = (bytes: Buffer): Look =>
  JSON.parse(execFileSync(python, ['-c', LOOK], { input: bytes, encoding: 'utf8' })) as Look;
const distance = (one: Colour, other: Colour): number => Math.hypot(...one.map((value, at) => value - other[at]!));

/** As the data set of the model has them (recipe/shapes.py). */
const COLOURS: Readonly<Record<string, Colour>> = {
  red: [220, 30, 30],
  orange: [245, 140, 20],
  yellow: [245, 220, 40],
  blue: [35, 70, 215],
  white: [255, 255, 255],
};
const nearest = (colour: Colour): string =>
  Object.entries(COLOURS).sort(([, one], [, other]) => distance(one, colour) - distance(other, colour))[0]![0];

/** The service as it is shipped, on the model that it ships, through the official client. */
describe('sd-ipex', { timeout: 300_000 }, () => {
  let server: XimServer;
  let client: OpenAI;
  let origin: string;

  beforeAll(async () => {
    expect(existsSync(python), `${python} is missing: npm start sd-ipex makes it`).toBe(true);
    ({ server, origin } = await openService(app, { XIM_OFFLINE: '1' }));
    client = new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'unused', maxRetries: 0 });
  }, 300_000);
  afterAll(() => server?.close());

  type Params = Omit<OpenAI.ImageGenerateParamsNonStreaming, 'size'> & {
    seed?: number;
    size?: string;
    num_inference_steps?: number;
  };
  const draw = async (params: Partial<Params> & { prompt: string }): Promise<Buffer[]> => {
    const { data } = await client.images.generate({
      ...({ model: MODEL, seed: 1, ...params } as OpenAI.ImageGenerateParamsNonStreaming),
    });
    return data!.map(({ b64_json: b64 }) => Buffer.from(b64!, 'base64'));
  };

  it('draws with a pipeline that the user names', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'xim-own-pipeline-'));
    const { main } = readModels(app.models).models;
    const own = await fetchArtifact({ model: main, artifact: 'safetensors', cacheDir, python: 'python3' });
    symlinkSync(own, join(folder, 'mine'));
    const env = { XIM_MODEL: join(folder, 'mine'), XIM_MODEL_CACHE: folder, XIM_OFFLINE: '1' };
    const { server: other, origin: address } = await openService(app, env);
    try {
      const { images } = new OpenAI({ baseURL: `${address}/v1`, apiKey: 'unused', maxRetries: 0 });
      const params = { model: 'local/mine', prompt: 'a large red square', seed: 1, num_inference_steps: 4 };
      const { data } = await images.generate(params);
      expect(look(Buffer.from(data![0]!.b64_json!, 'base64')).size).toEqual([64, 64]);
      // The steps of the service's own model are not those of another.
      expect(other.app.xim.model.profiles[0]!.options?.['steps']).toBeUndefined();
    } finally {
      await other.close();
      rmSync(folder, { recursive: true });
    }
  });

  it('answers the request of its README', async () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const path = /^curl http:\/\/[^/]+(\/\S+)/m.exec(readme)?.[1];
    const body = / -d '([^']+)'/.exec(readme)?.[1];
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${origin}${path}`, { method: 'POST', headers, body });
    const answer = (await response.json()) as { data: { b64_json: string }[] };
    expect(response.status, JSON.stringify(answer).slice(0, 500)).toBe(200);
    const { middle, size } = look(Buffer.from(answer.data[0]!.b64_json, 'base64'));
    expect(size).toEqual([64, 64]);
    expect(nearest(middle)).toBe('red');
  });

  it.each(['red', 'yellow', 'blue'])('most pictures of a %s square are of that colour', async (colour) => {
    const pictures = await draw({ prompt: `a large ${colour} square`, n: 3 });
    expect(
      pictures.map((picture) => nearest(look(picture).middle)).filter((found) => found === colour).length,
    ).toBeGreaterThan(1);
  });

  it('gives the same bytes for the same seed and others for another', async () => {
    const prompt = 'a blue star';
    const [[one, second], [again], [next]] = await Promise.all([
      draw({ prompt, seed: 7, n: 2 }),
      draw({ prompt, seed: 7 }),
      draw({ prompt, seed: 8 }),
    ]);
    expect(one!.equals(again!)).toBe(true);
    expect(second!.equals(next!)).toBe(true);
    expect(one!.equals(second!)).toBe(false);
  });

  it.each(['64x64', '96x64', '67x101', '128x40'])('a size of %s is kept exactly', async (size) => {
    const [picture] = await draw({ prompt: 'a red circle', size, num_inference_steps: 1 });
    expect(look(picture!).size.join('x')).toBe(size);
  });

  it('refuses a huge size by name', async () => {
    const huge = draw({ prompt: 'a red circle', size: '16384x16384' });
    await expect(huge).rejects.toMatchObject({ status: 400, param: 'size' });
  });

  it('an edit keeps the pixels outside of its mask', async () => {
    const [picture] = await draw({ prompt: 'a large blue square' });
    const paint = (script: string): Buffer =>
      execFileSync(python, ['-c', `import io, sys\nfrom PIL import Image, ImageDraw\n${script}`], { input: picture });
    const mask = paint(
      'mask = Image.new("RGBA", (64, 64), (0, 0, 0, 255))\n' +
        'ImageDraw.Draw(mask).rectangle((24, 24, 39, 39), (0, 0, 0, 0))\nmask.save(sys.stdout.buffer, "PNG")',
    );
    const { data } = await client.images.edit({
      model: MODEL,
      prompt: 'a large red square',
      image: await toFile(picture!, 'picture.png', { type: 'image/png' }),
      mask: await toFile(mask, 'mask.png', { type: 'image/png' }),
    });
    const edited = look(Buffer.from(data![0]!.b64_json!, 'base64'));
    expect(edited.size).toEqual([64, 64]);
    expect(distance(edited.corners, look(picture!).corners)).toBeLessThan(0.5);
  });

  it('tells what a picture takes', async () => {
    const { engine } = (await (await fetch(`${origin}/v1/metadata`)).json()) as {
      engine: { info: { imageDefaults: Record<string, number>; runtime: { name: string } } };
    };
    expect(engine.info.imageDefaults).toMatchObject({ width: 64, height: 64 });
    expect(engine.info.imageDefaults['stepSeconds']).toBeGreaterThan(0);
    expect(engine.info.runtime.name).toMatch(/^(openvino\+pytorch|ipex)$/);
  });
});
