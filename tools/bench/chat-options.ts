import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Service, serve } from '@xim/server';
import { ROOT } from './processes.ts';

/** The chat service with further options in each profile of its model: BENCH_OPTIONS, a JSON object. */
// By its path, as the benchmark starts every service: the benchmark does not depend on the services.
const { default: app } = (await import(join(ROOT, 'apps/chat/src/app.ts'))) as { default: Service };
const folder = mkdtempSync(join(tmpdir(), 'xim-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const file = JSON.parse(readFileSync(app.models, 'utf8')) as { models: { main: { profiles: { options?: object }[] } } };
const options = JSON.parse(process.env['BENCH_OPTIONS'] ?? '{}') as object;
for (const profile of file.models.main.profiles) profile.options = { ...profile.options, ...options };
const models = join(folder, 'models.json');
writeFileSync(models, JSON.stringify(file));

await serve({ ...app, models: pathToFileURL(models) });
