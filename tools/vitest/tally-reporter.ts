import { writeFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';

/** The JSON in `--outputFile.tally`. */
export interface Tally {
  passed: number;
  /** Tests that failed or never came to an end, and besides them files, suites and hooks that failed. */
  failed: { test: string; error: string }[];
  /** `reason` is the note of `context.skip(condition, note)`; empty where a test gave none. */
  skipped: { test: string; reason: string }[];
}

/** Counts tests for the closing line of the check. Vitest's own JSON report leaves out why a test was skipped. */
export default class TallyReporter implements Reporter {
  #file: string | undefined;

  onInit(vitest: Vitest): void {
    const { outputFile } = vitest.config;
    this.#file = typeof outputFile === 'object' ? outputFile['tally'] : outputFile;
    if (!this.#file) throw new Error('The tally reporter writes a file: add --outputFile.tally=FILE.');
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const unhandled = unhandledErrors.map((error) => ({ test: 'outside of any test', error: oneLine([error]) }));
    const tally: Tally = { passed: 0, failed: unhandled, skipped: [] };
    for (const module of modules) {
      const file = module.relativeModuleId;
      for (const suite of [module, ...module.children.allSuites()])
        if (suite.errors().length > 0)
          tally.failed.push({
            test: suite.type === 'suite' ? `${file} > ${suite.fullName}` : file,
            error: oneLine(suite.errors()),
          });
      for (const test of module.children.allTests()) {
        const result = test.result();
        const name = `${file} > ${test.fullName}`;
        if (result.state === 'passed') tally.passed += 1;
        else if (result.state === 'skipped' && !isKeptFromRunning(test))
          tally.skipped.push({ test: name, reason: result.note ?? '' });
        else
          tally.failed.push({
            test: name,
            error: result.state === 'failed' ? oneLine(result.errors) : 'did not come to its end',
          });
      }
    }
    writeFileSync(this.#file!, JSON.stringify(tally));
  }
}

/** @param errors such as an {@link Error}, or anything else that was thrown */
function oneLine([error]: readonly unknown[]): string {
  const text = error instanceof Object && 'message' in error ? String(error.message) : String(error);
  return text.replaceAll(/\s*\n\s*/g, ' ').slice(0, 300);
}

/** Vitest also reports tests as skipped that it did not run because a hook of the suite had failed. */
function isKeptFromRunning(test: TestCase): boolean {
  for (let { parent } = test; ; { parent } = parent) {
    if (parent.errors().length > 0) return true;
    if (parent.type === 'module') return false;
  }
}
