import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runConformance } from '@xim/conformance';
import { openService } from '@xim/server/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeLibrary, entry, makeModel } from '../../../libs/engine-xft/src/__fixtures__/real-model.ts';
import app from './app.ts';

/** What the server does not pass on yet. */
const REFUSED = /^tgi\.generate\.(prefill|top-tokens)(\.|$)/;

describeLibrary('vllm-xft on the library itself', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'xim-vllm-xft-'));
    const { path, remove } = makeModel();
    const files = readdirSync(path).map((name) => {
      const bytes = readFileSync(join(path, name));
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      return { path: name, size: bytes.length, sha256, sources: [`file:${join(path, name)}`] };
    });
    const model = entry();
    const main = {
      ...model,
      aliases: ['gpt-4o-mini'],
      artifacts: { 'xft-fp16': { files } },
      profiles: model.profiles.map((profile) => ({ ...profile, artifact: 'xft-fp16' })),
    };
    writeFileSync(join(folder, 'models.json'), JSON.stringify({ lockVersion: 1, models: { main } }));
    return remove;
  }, 300_000);
  afterAll(() => folder && rmSync(folder, { recursive: true }));

  it('behaves as its clients expect, seen from outside', { timeout: 1_200_000 }, async () => {
    const env = { XIM_MODEL_CACHE: join(folder, 'cache'), XIM_ENGINE: 'xft', XIM_SLOTS: '16' };
    const service = { ...app, models: pathToFileURL(join(folder, 'models.json')) };
    const { server, origin: baseUrl } = await openService(service, env);
    try {
      const metadata = (await (await fetch(`${baseUrl}/v1/metadata`)).json()) as object;
      expect(metadata).toMatchObject({ engine: { name: 'xft' } });
      const tasks = ['http', 'models', 'chat', 'completions', 'responses', 'messages', 'tgi'] as const;
      const report = await runConformance({ baseUrl, tasks, timeoutSeconds: 300, concurrency: 8 });
      expect(report.results.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
      const refused = report.results.filter(({ outcome }) => outcome === 'refused').map(({ id }) => id);
      expect(refused.filter((id) => !REFUSED.test(id))).toEqual([]);
      expect(report.score.passed).toBeGreaterThan(200);
    } finally {
      await server.close({ drainMs: 0 });
    }
  });
});
