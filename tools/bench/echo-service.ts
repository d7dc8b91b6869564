import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { echo, echoModel } from '@xim/engine-echo';
import { chatCompletions, defineService, serve } from '@xim/server';

// A whole service whose engine takes no time, so that only the cost of the host is measured.
const folder = mkdtempSync(join(tmpdir(), 'xim-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const models = join(folder, 'models.json');
const main = echoModel('generate', { rate: Number(process.env['BENCH_RATE'] ?? 0) });
writeFileSync(models, JSON.stringify({ lockVersion: 1, models: { main } }));

await serve(
  defineService({
    name: 'echo',
    task: 'generate',
    engines: [echo],
    models: pathToFileURL(models),
    routes: [chatCompletions],
  }),
);
