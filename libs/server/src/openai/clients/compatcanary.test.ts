import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startChat } from '../../__fixtures__/test-service.ts';

const folder = dirname(dirname(createRequire(import.meta.url).resolve('compatcanary')));

interface Report {
  readonly score: number;
  readonly results: readonly { readonly id: string; readonly status: string }[];
}

it('compatcanary gives chat its full score', { timeout: 120_000 }, async () => {
  const service = await startChat();
  const args = ['scan', '--base-url', `${service.origin}/v1`, '--model', 'gpt-4o-mini', '--profile', 'chat'];
  const run = promisify(execFile)(process.execPath, [join(folder, 'src/cli.js'), ...args, '--format', 'json']);
  const { stdout } = await run.finally(() => service.close());
  const { score, results } = JSON.parse(stdout) as Report;
  expect(results.filter(({ status }) => status !== 'pass')).toEqual([]);
  expect(results.length).toBeGreaterThanOrEqual(5);
  expect(score).toBe(100);
});
