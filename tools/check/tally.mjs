import { existsSync, readFileSync } from 'node:fs';

/**
 * The only reasons for which a test may be skipped: a feature or a program that the machine lacks, or wheels that are
 * installed on demand (`xim.install` of an engine's package.json).
 */
export const SKIP_REASONS = [
  ...['cpu:avx512', 'cpu:amx', 'cpu:vendor', 'numa:2'],
  ...['containers', 'browser', 'prometheus', 'haproxy', 'wheels:xft'],
];

/**
 * @typedef {object} Tally
 * @property {number} passed
 * @property {{ test: string, error: string }[]} failed `error` is one line
 * @property {{ test: string, reason: string }[]} skipped
 */

/**
 * The report of a test runner: the tally of tools/vitest/tally-reporter.ts, or pytest's JUnit report. A missing report
 * counts as a failure, since the runner did not finish.
 *
 * @param {string} file
 * @returns {Tally}
 */
export function readTally(file) {
  if (!existsSync(file))
    return { passed: 0, failed: [{ test: file, error: 'the runner left no report' }], skipped: [] };
  const text = readFileSync(file, 'utf8');
  return file.endsWith('.xml') ? toTally(text) : JSON.parse(text);
}

/**
 * @param {string} junit `<testcase classname name>` with at most one of `<failure>`, `<error>`, `<skipped>`, each with
 *   `message`
 * @returns {Tally}
 */
function toTally(junit) {
  /** @type {Tally} */
  const tally = { passed: 0, failed: [], skipped: [] };
  for (const [, attributes = '', content = ''] of junit.matchAll(
    /<testcase\b((?:[^>"]|"[^"]*")*?)(?:\/>|>(.*?)<\/testcase>)/gs,
  )) {
    const test = ['classname', 'name'].map((key) => attribute(attributes, key)).join('.');
    const [, kind, details = ''] = /<(failure|error|skipped)\b((?:[^>"]|"[^"]*")*)/s.exec(content) ?? [];
    const message = attribute(details, 'message');
    if (!kind) tally.passed += 1;
    else if (kind === 'skipped') tally.skipped.push({ test, reason: message });
    else tally.failed.push({ test, error: message.replaceAll(/(\s|&#10;)+/g, ' ').slice(0, 300) });
  }
  return tally;
}

/**
 * @param {string} attributes
 * @param {string} key
 */
function attribute(attributes, key) {
  return unescape(new RegExp(`\\s${key}="([^"]*)"`).exec(attributes)?.[1] ?? '');
}

/** @param {string} text */
function unescape(text) {
  /** @type {Record<string, string>} */
  const characters = { quot: '"', apos: "'", lt: '<', gt: '>', amp: '&' };
  return text.replace(/&(\w+);/g, (entity, name) => characters[name] ?? entity);
}

/**
 * @param {Tally} to
 * @param {Tally} more
 */
export function add(to, more) {
  to.passed += more.passed;
  to.failed.push(...more.failed);
  to.skipped.push(...more.skipped);
}

/**
 * The end of the output of the check: the failures, the reasons of skipped tests, and the sums in the form of a runner.
 *
 * @param {Tally} tally
 * @param {string[]} failedSteps
 * @returns {{ ok: boolean, lines: string[] }}
 */
export function closingLines({ passed, failed, skipped }, failedSteps) {
  const refused = skipped.filter(({ reason }) => !reasonOf(reason));
  const counts = SKIP_REASONS.map((reason) => ({
    reason,
    count: skipped.filter((one) => reasonOf(one.reason) === reason).length,
  }));
  const counted = counts.filter(({ count }) => count > 0).map(({ reason, count }) => `${reason} ${count}`);
  return {
    ok: failedSteps.length === 0 && failed.length === 0 && refused.length === 0,
    lines: [
      ...refused.map(({ test, reason }) => `Skipped without an accepted reason: ${test} (${reason || 'none given'})`),
      ...(refused.length > 0 ? [`Accepted reasons begin with ${SKIP_REASONS.join(', ')}.`] : []),
      ...failed.map(({ test, error }) => `Failed: ${test}: ${error}`),
      ...(failedSteps.length > 0 ? [`Failed steps: ${failedSteps.join(', ')}`] : []),
      `Skipped by reason: ${counted.join(', ') || 'none'}`,
      `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`,
    ],
  };
}

/** @param {string} text such as `cpu:amx: no amx_tile in this machine` */
function reasonOf(text) {
  return SKIP_REASONS.find((reason) => text.split(/:?\s|:$/, 1)[0] === reason);
}
