import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ExecutorContext, logger } from '@nx/devkit';
import { afterEach, expect, it, vi } from 'vitest';
import dockerPush, { toArguments } from './docker-push.ts';

afterEach(() => vi.restoreAllMocks());

it('passes its options on to the program, and nothing of npm', () => {
  expect(toArguments('apps/chat', {})).toEqual(['--import=tsx', 'tools/images/docker-push.ts', 'apps/chat']);
  expect(toArguments('apps/chat', { latest: true, yes: true, dryRun: true, registry: 'r' }).slice(3)).toEqual([
    ...['--latest', '--yes', '--dry-run'],
  ]);
});

it('refuses an option of npm, but from a release', async () => {
  const said = vi.spyOn(logger, 'error').mockImplementation(() => {});
  const context = { targetName: 'docker-push' } as ExecutorContext;
  expect(await dockerPush({ registry: 'http://127.0.0.1:1' }, context)).toEqual({ success: false });
  expect(said.mock.lastCall?.[0]).toContain('does not take --registry. XIM_REGISTRY names');
});

it('has a schema that refuses unknown options, and describes each', () => {
  const schema = JSON.parse(readFileSync(join(__dirname, 'schema.json'), 'utf8'));
  expect(schema.additionalProperties).toBe(false);
  expect(schema.description).toBeTruthy();
  for (const [name, option] of Object.entries(schema.properties)) expect(option, name).toHaveProperty('description');
});
