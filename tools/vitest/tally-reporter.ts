import { writeFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';

/** The JSON in `--outputFile.tally`. */
export interface Tally {
  passed: number;
  /** Tests that failed or never came to an end, and besides them files, suites and hooks that failed. */
  failed: number;
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
    const tally: Tally = { passed: 0, failed: unhandledErrors.length, skipped: [] };
    for (const module of modules) {
      const broken = [module, ...module.children.allSuites()].filter((suite) => suite.errors().length > 0);
      tally.failed += broken.length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') tally.passed += 1;
        else if (result.state === 'skipped' && !isKeptFromRunning(test))
          tally.skipped.push({ test: `${module.relativeModuleId} > ${test.fullName}`, reason: result.note ?? '' });
        else tally.failed += 1;
      }
    }
    writeFileSync(this.#file!, JSON.stringify(tally));
  }
}

/** Vitest also reports tests as skipped that it did not run because a hook of the suite had failed. */
function isKeptFromRunning(test: TestCase): boolean {
  for (let { parent } = test; ; { parent } = parent) {
    if (parent.errors().length > 0) return true;
    if (parent.type === 'module') return false;
  }
}
