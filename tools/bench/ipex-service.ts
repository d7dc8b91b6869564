import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ipex } from '@xim/engine-ipex';
import { chatCompletions, completions, defineService, embeddings, serve } from '@xim/server';

/** A service on PyTorch for the task BENCH_TASK; XIM_MODEL is the folder of its model. */
const folder = mkdtempSync(join(tmpdir(), 'xim-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const task = process.env['BENCH_TASK'] === 'embed' ? 'embed' : 'generate';
const main = {
  id: 'bench/model',
  task,
  licence: 'Apache-2.0',
  created: 1_762_000_000,
  artifacts: {},
  profiles: [{ engine: 'ipex', isa: [] }],
  shape: { contextLength: 512 },
};
const models = join(folder, 'models.json');
writeFileSync(models, JSON.stringify({ lockVersion: 1, models: { main } }));

await serve(
  defineService({
    name: 'bench-ipex',
    task,
    engines: [ipex],
    models: pathToFileURL(models),
    routes: task === 'embed' ? [embeddings] : [chatCompletions, completions],
  }),
);
