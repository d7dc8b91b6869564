import { readFileSync } from 'node:fs';
import type { XimServer } from '@xim/server';
import { openService } from '@xim/server/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import app from './app.ts';

const MODEL = 'HuggingFaceTB/SmolLM2-135M-Instruct';

/** The service as it is shipped: its model is not converted for xFasterTransformer, so OpenVINO serves it. */
describe('vllm-xft', { timeout: 300_000 }, () => {
  let server: XimServer;
  let origin: string;

  beforeAll(async () => {
    ({ server, origin } = await openService(app));
  }, 300_000);
  afterAll(() => server.close());

  it('answers the request of its README', async () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const path = /^curl http:\/\/[^/]+(\/\S+)/m.exec(readme)?.[1];
    const body = / -d '([^']+)'/.exec(readme)?.[1];
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${origin}${path}`, { method: 'POST', headers, body });
    const answer = await response.text();
    expect(response.status, answer).toBe(200);
    const { model, choices } = JSON.parse(answer) as { model: string; choices: { message: { content: string } }[] };
    expect(model).toBe(MODEL);
    expect(choices[0]?.message.content).toMatch(/\w/);
  });

  it('says that another engine serves, and why, in metadata and metrics', async () => {
    const metadata = (await (await fetch(`${origin}/v1/metadata`)).json()) as {
      engine: { name: string; reason: string; refusals: { engine: string; missing: string[]; advice: string }[] };
    };
    expect(metadata.engine).toMatchObject({ name: 'oneapi', reason: expect.stringMatching(/refused: xft/) as string });
    expect(metadata.engine.refusals).toEqual([
      {
        engine: 'xft',
        missing: expect.arrayContaining([`a profile of ${MODEL} for the engine "xft"`]) as string[],
        advice: expect.stringMatching(/xim-models convert|oneapi/) as string,
      },
    ]);
    const metrics = await (await fetch(`${origin}/metrics`)).text();
    expect(metrics).toMatch(/engine="oneapi"/);
    expect(metrics).toMatch(/refused: xft/);
  });

  it('refuses to start where xft is pinned, and says what is missing', async () => {
    await expect(openService(app, { XIM_ENGINE: 'xft' })).rejects.toThrow(
      /pinned by XIM_ENGINE.*xft is missing .*a profile of HuggingFaceTB/,
    );
  });
});
