import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runConformance } from '@xim/conformance';
import { fetchArtifact, readModels } from '@xim/model-cache';
import type { XimServer } from '@xim/server';
import { openService } from '@xim/server/testing';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import app from './app.ts';

/** A network of Kokoro's architecture with random weights. */
const TINY_KOKORO = join(import.meta.dirname, '../../../libs/engine-oneapi/python/tests/tiny_kokoro');
const text = 'The harbour is quiet. It was 40–60 °C outside, and $5.3 billion were lost at 9:30PM.';

/** The service as it is shipped, on its real voice, through the official client. */
describe('speech', { timeout: 300_000 }, () => {
  let server: XimServer;
  let client: OpenAI;
  let baseUrl: string;

  beforeAll(async () => {
    const opened = await openService(app);
    server = opened.server;
    baseUrl = `${opened.origin}/v1`;
    client = new OpenAI({ baseURL: baseUrl, apiKey: 'unused', maxRetries: 0 });
  }, 300_000);
  afterAll(() => server.close());

  const speak = async (more: Partial<OpenAI.Audio.SpeechCreateParams> & { seed?: number } = {}): Promise<Buffer> => {
    const params = { model: 'tts-1', voice: 'alloy', input: text, response_format: 'pcm' as const, ...more };
    return Buffer.from(await (await client.audio.speech.create(params)).arrayBuffer());
  };
  const loudest = (pcm: Buffer) =>
    Array.from({ length: pcm.length / 2 }, (_, i) => Math.abs(pcm.readInt16LE(2 * i))).reduce(
      (a, b) => Math.max(a, b),
      0,
    );

  it('speaks, about as fast as people do, and ends quietly', async () => {
    const pcm = await speak();
    const seconds = pcm.length / 48_000;
    expect(seconds).toBeGreaterThan(5);
    expect(seconds).toBeLessThan(15);
    expect(loudest(pcm)).toBeGreaterThan(5_000);
    expect(loudest(pcm.subarray(-480))).toBeLessThan(50);
  });

  it.each([0.25, 0.5, 2, 4])('a speed of %d divides the duration', async (speed) => {
    const [plain, other] = [await speak({ seed: 1 }), await speak({ seed: 1, speed })];
    expect(Math.abs((other.length * speed) / plain.length - 1)).toBeLessThan(0.03);
  });

  it.each(['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm'] as const)('a seed gives the same %s again', async (format) => {
    const [one, again, other] = [7, 7, 8].map((seed) => speak({ seed, response_format: format, input: 'Hello.' }));
    expect((await one!).equals(await again!)).toBe(true);
    expect((await one!).equals(await other!)).toBe(false);
  });

  it.each([
    ['a voice of piper', 'en_US-joe-medium', 10_000],
    ["a folder in Kokoro's layout", 'af_tiny', 1_000],
  ])('speaks with %s that the user names, under the names of other voices too', async (_, name, least) => {
    const { main } = readModels(app.models).models;
    const cacheDir = process.env['XIM_MODEL_CACHE']!;
    const joe = await fetchArtifact({ model: main, artifact: 'joe-medium', cacheDir, python: 'python3' });
    const folder = mkdtempSync(join(tmpdir(), 'xim-own-voice-'));
    const model = name === 'af_tiny' ? TINY_KOKORO : join(joe, `${name}.onnx`);
    const { server: other, origin } = await openService(app, { XIM_MODEL: model, XIM_MODEL_CACHE: folder });
    try {
      const speech = new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'unused', maxRetries: 0 }).audio.speech;
      const params = { model: 'tts-1', input: 'Hello.', response_format: 'pcm', seed: 1 } as const;
      const [named, alias] = await Promise.all(
        [name, 'alloy'].map(async (voice) => {
          const answer = await speech.create({ ...params, voice });
          return Buffer.from(await answer.arrayBuffer());
        }),
      );
      expect(named!.length).toBeGreaterThan(least);
      expect(alias!.equals(named!)).toBe(true);
    } finally {
      await other.close();
      rmSync(folder, { recursive: true });
    }
  });

  it('a text keeps its samples beside those of others', async () => {
    const alone = await speak({ seed: 3 });
    const busy = await Promise.all([3, 4, 3, 5].map((seed) => speak({ seed })));
    expect(busy[0]!.equals(alone)).toBe(true);
    expect(busy[2]!.equals(alone)).toBe(true);
  });

  it('each voice of OpenAI speaks, and an unknown one is refused with their names', async () => {
    const names = 'alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse en_US-joe-medium'.split(
      ' ',
    );
    const spoken = await Promise.all(names.map((voice) => speak({ voice, input: '9', seed: 1 })));
    expect(spoken.filter((pcm) => loudest(pcm) < 3_000)).toEqual([]);
    await expect(speak({ voice: 'nobody' })).rejects.toMatchObject({
      ...{ status: 400, param: 'voice' },
      message: expect.stringMatching(names.toSorted().join('|')) as string,
    });
  });

  it('keeps its memory over texts of different length', async () => {
    const pass = async (longest: number) => {
      for (let count = longest; count > 0; count -= 2) {
        const input = Array.from({ length: count }, (_, at) => ['sea', 'harbour', 'a', 'morning'][at % 4]).join(' ');
        await speak({ input, speed: 4, seed: count });
      }
    };
    await pass(40);
    const before = workerBytes();
    // No text of this pass is as long as one before it. Kernels that are kept for every length take 200 MiB.
    await pass(39);
    expect((workerBytes() - before) / 2 ** 20).toBeLessThan(100);
  });

  it('has nothing to say where there are no words', async () => {
    await expect(speak({ input: '... !' })).rejects.toMatchObject({ status: 400, param: 'input' });
  });

  it('behaves as its clients expect, seen from outside', async () => {
    const tasks = ['http', 'models', 'speak'] as const;
    const { results, score } = await runConformance({ baseUrl, tasks, timeoutSeconds: 60, concurrency: 4 });
    expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    const refused = results.filter(({ outcome }) => outcome === 'refused').map(({ id }) => id);
    expect(refused).toEqual(['speak.instructions']);
    expect(score.passed).toBeGreaterThan(30);
  });
});

/** Bytes in memory of the one child of this process that runs a worker. */
function workerBytes(): number {
  const children = readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8').trim().split(' ').filter(Boolean),
  );
  const pid = children.find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('xim_engine_oneapi'));
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
}
