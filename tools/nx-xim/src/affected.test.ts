import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(__dirname, '../../..');
const NX_ALONE = { NX_NO_CLOUD: 'true', NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false', NX_TUI: 'false' };

// What a change of a file rebuilds. More apps may come: those here are found among them.
it.each([
  ['xim/oneapi/Dockerfile', ['xim-oneapi', 'chat', 'embedding']],
  ['libs/engine-oneapi/python/requirements.lock', ['xim-oneapi', 'chat', 'embedding']],
  ['libs/engine-oneapi/src/oneapi-engine.ts', ['chat', 'embedding']],
  ['libs/server/src/sse.ts', ['chat', 'embedding']],
  ['apps/chat/src/app.ts', ['chat']],
  ['apps/chat/README.md', []],
  ['README.md', []],
])('%s: %j', { timeout: 180_000 }, (file, images) => {
  const args = ['show', 'projects', '--affected', `--files=${file}`, '--withTarget=docker-build', '--json'];
  const options = { cwd: ROOT, env: { ...process.env, ...NX_ALONE }, encoding: 'utf8', stdio: 'pipe' } as const;
  const affected: string[] = JSON.parse(execFileSync('node_modules/.bin/nx', args, options));
  expect(affected.filter((name) => ['xim-oneapi', 'chat', 'embedding'].includes(name)).sort()).toEqual(images.sort());
});
