import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { closingLines, readTally, SKIP_REASONS } from './tally.mjs';

const skip = (reason: string) => ({ test: 'a test', reason });

describe('the closing lines', () => {
  it('end with the sums, after the count of each reason', () => {
    const skipped = [skip('cpu:amx: none here'), skip('numa:2'), skip('cpu:amx')];
    expect(closingLines({ passed: 7, failed: [], skipped }, [])).toEqual({
      ok: true,
      lines: ['Skipped by reason: cpu:amx 2, numa:2 1', '7 passed, 0 failed, 3 skipped'],
    });
  });

  it.each(SKIP_REASONS)('%s is a reason, with or without a word on it', (reason) => {
    const skipped = [skip(reason), skip(`${reason}: because`), skip(`${reason} because`)];
    expect(closingLines({ passed: 1, failed: [], skipped }, []).ok).toBe(true);
  });

  it.each(['', 'slow', 'cpu', 'cpu:avx512x', 'numa:22', 'not cpu:amx'])('%j is none', (reason) => {
    const { ok, lines } = closingLines({ passed: 1, failed: [], skipped: [skip(reason)] }, []);
    expect(ok).toBe(false);
    expect(lines[0]).toContain('a test');
    expect(lines.at(-1)).toBe('1 passed, 0 failed, 1 skipped');
  });

  it.each([
    ['a failed test', [{ test: 'a.test.ts > adds', error: 'expected 3 to be 2' }], []],
    ['a failed step', [], ['lint']],
  ])('%s is a failure of the check', (_, failed, steps) => {
    const { ok, lines } = closingLines({ passed: 1, failed, skipped: [] }, steps);
    expect(ok).toBe(false);
    expect(lines.at(-1)).toBe(`1 passed, ${failed.length} failed, 0 skipped`);
  });

  it('name each failed test with its error, after everything else has been printed', () => {
    const failed = [{ test: 'a.test.ts > adds', error: 'expected 3 to be 2' }];
    expect(closingLines({ passed: 0, failed, skipped: [] }, ['tests']).lines).toEqual([
      'Failed: a.test.ts > adds: expected 3 to be 2',
      'Failed steps: tests',
      'Skipped by reason: none',
      '0 passed, 1 failed, 0 skipped',
    ]);
  });
});

it('a runner that left no report has failed', () => {
  expect(readTally('/nowhere/report.xml')).toEqual({
    passed: 0,
    failed: [{ test: '/nowhere/report.xml', error: 'the runner left no report' }],
    skipped: [],
  });
});

// Recorded: pytest's --junit-xml of __fixtures__/results.py, without host, time and folder.
it("pytest's report is read, whatever stands in its texts", () => {
  expect(readTally(join(import.meta.dirname, '__fixtures__/pytest.xml'))).toEqual({
    passed: 1,
    failed: [
      { test: 'test_results.test_fails', error: "AssertionError: assert '<skipped' == '&' - & + <skipped" },
      { test: 'test_results.test_breaks', error: 'failed on setup with "RuntimeError: before the test"' },
    ],
    skipped: [
      { test: 'test_results.test_is_skipped', reason: 'cpu:amx: no "amx_tile" here & now' },
      { test: 'test_results.test_is_expected_to_fail', reason: 'some day' },
    ],
  });
});
