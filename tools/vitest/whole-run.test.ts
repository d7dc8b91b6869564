import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Tally } from './tally-reporter.ts';

const ROOT = join(import.meta.dirname, '../..');
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');

/** Runs the files in __fixtures__, which fail on purpose, as the check runs the tests. */
function runFixture(name: string): { status: number | null; output: string; tally: Tally } {
  const folder = mkdtempSync(join(tmpdir(), 'xim-tally-'));
  const file = join(folder, 'tally.json');
  const config = join(import.meta.dirname, '__fixtures__/vitest.config.ts');
  try {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        ...[VITEST, 'run', '--config', config, '--reporter=default', '--reporter=./tools/vitest/tally-reporter.ts'],
        ...[`--outputFile.tally=${file}`, `${name}.fixture.ts`],
      ],
      { cwd: ROOT, encoding: 'utf8' },
    );
    return { status, output: stdout + stderr, tally: JSON.parse(readFileSync(file, 'utf8')) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

it('a file whose tests pass fails when it leaves something behind', () => {
  const { status, output, tally } = runFixture('leaks');
  expect(status).toBe(1);
  expect(tally).toMatchObject({
    passed: 1,
    failed: [{ test: 'tools/vitest/__fixtures__/leaks.fixture.ts' }],
    skipped: [],
  });
  expect(tally.failed[0]?.error).toMatch(/^This test file left something behind: .*a living process/);
  expect(output).toContain('a living process');
  expect(output).toContain('output: a line that nobody expects');
}, 120_000);

it('the tally counts every kind of result, with the reasons of skips', () => {
  const { status, tally } = runFixture('results');
  expect(status).toBe(1);
  const file = 'tools/vitest/__fixtures__/results.fixture.ts';
  expect(tally).toEqual({
    passed: 1,
    failed: [
      { test: `${file} > a suite whose hook fails`, error: 'on purpose' },
      { test: `${file} > fails`, error: 'expected 1 to be 2 // Object.is equality' },
      { test: `${file} > a suite whose hook fails > is kept from running`, error: 'did not come to its end' },
    ],
    skipped: [
      { test: `${file} > is skipped with a reason`, reason: 'cpu:amx: no amx_tile in this machine' },
      { test: `${file} > is skipped without one`, reason: '' },
      { test: `${file} > is to do`, reason: '' },
      { test: `${file} > a skipped suite > is skipped with its suite`, reason: '' },
    ],
  });
}, 120_000);
