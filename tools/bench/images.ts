import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareWithBare, ratioFigure } from './best-split.ts';
import { type Bare, ROOT, type Service, startService } from './processes.ts';
import type { Figure } from './report.ts';
import type { Settings } from './settings.ts';
import { medianInterval } from './statistics.ts';

interface BareRun {
  readonly seconds: number;
  readonly rest: number;
}

/** Sides in pixels, each with its steps. */
const SIZES = [
  { size: 256, steps: 4 },
  { size: 512, steps: 2 },
] as const;
/** Seconds between the last step and the answer beyond those of the bare loop. */
const MOST_REST = 0.15;

/** Pictures of one client, against the same pipeline in diffusers. The weights are random, the architecture is real. */
export async function benchImages(settings: Settings, say: (line: string) => void): Promise<Figure[]> {
  const python = join(settings.env['XIM_VENVS']!, 'ipex', 'bin', 'python');
  const work = mkdtempSync(join(tmpdir(), 'xim-bench-pipeline-'));
  const folder = join(work, 'pipeline');
  try {
    execFileSync(python, [join(ROOT, 'tools/bench/random_pipeline.py'), folder], { stdio: ['ignore', 2, 2] });
    const service = await startService('apps/sd-ipex/src/main.ts', {
      ...settings.env,
      XIM_MODEL: folder,
      XIM_MODEL_CACHE: join(work, 'cache'),
    });
    try {
      return await compareWithBare({
        python,
        script: 'bare_images.py',
        args: [folder],
        path: '',
        speed: async (bare) => 1 / (await bare.ask<BareRun>({ ...SIZES[0], prompt: 'warm', seed: 0 })).seconds,
        say,
        clients: [1],
        one: (bare) => compareOne(service, bare, settings.pairs, say),
        many: () => Promise.resolve([]),
      });
    } finally {
      await service.stop();
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function compareOne(service: Service, bare: Bare, pairs: number, say: (line: string) => void): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { size, steps } of SIZES) {
    const ratios: number[] = [];
    const rests: number[] = [];
    for (let pair = 0; pair <= pairs; pair++) {
      const theirs = () => bare.ask<BareRun>({ prompt: 'a house by the sea', seed: pair, size, steps });
      const before = pair % 2 === 0 ? await theirs() : undefined;
      const ours = await draw(service, { seed: pair, size: `${size}x${size}`, num_inference_steps: steps });
      const bareRun = before ?? (await theirs());
      say(
        `${size} pixels, pair ${pair}: ${ours.seconds.toFixed(2)} s, bare ${bareRun.seconds.toFixed(2)}; ` +
          `after the last step ${ours.rest.toFixed(2)} s, bare ${bareRun.rest.toFixed(2)}`,
      );
      if (pair === 0) continue;
      ratios.push(ours.seconds / bareRun.seconds);
      rests.push(ours.rest - bareRun.rest);
    }
    figures.push(ratioFigure(`${size} pixels: picture over bare`, ratios, 'most', 1.03), {
      name: `${size} pixels: last step to answer, beyond bare`,
      unit: 's',
      value: medianInterval(rests),
      target: { at: 'most', value: MOST_REST },
    });
  }
  return figures;
}

/** Seconds of a streamed picture, and of its part after the comment of the last step. */
async function draw({ port }: Service, fields: object): Promise<{ readonly seconds: number; readonly rest: number }> {
  const began = performance.now();
  const answer = await fetch(`http://127.0.0.1:${port}/v1/images/generations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'a house by the sea', stream: true, ...fields }),
  });
  let last = began;
  let text = '';
  for await (const part of answer.body!.pipeThrough(new TextDecoderStream())) {
    if (/^: step (\d+) of \1$/m.test(part)) last = performance.now();
    text += part;
  }
  const ended = performance.now();
  if (!text.includes('event: image_generation.completed') || last === began)
    throw new Error(`the service answered ${answer.status}: ${text.slice(0, 500)}`);
  return { seconds: (ended - began) / 1000, rest: (ended - last) / 1000 };
}
