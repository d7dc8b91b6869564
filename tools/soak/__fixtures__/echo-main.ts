import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { echo, echoModel } from '@xim/engine-echo';
import { transcriptions, chatCompletions, defineService, serve } from '@xim/server';

/** A whole service on the echo engine, at a pace that a small machine keeps. SOAK_TASK is its task. */
const folder = mkdtempSync(join(tmpdir(), 'xim-soak-model-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const models = join(folder, 'models.json');
const task = process.env['SOAK_TASK'] === 'transcribe' ? 'transcribe' : 'generate';
const main = echoModel(task, { rate: Number(process.env['SOAK_RATE'] ?? 0) });
writeFileSync(models, JSON.stringify({ lockVersion: 1, models: { main } }));

await serve(
  defineService({
    ...{ name: 'echo', task, engines: [echo] },
    models: pathToFileURL(models),
    routes: [task === 'generate' ? chatCompletions : transcriptions],
  }),
);
