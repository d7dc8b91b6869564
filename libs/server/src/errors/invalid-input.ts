import { InvalidInputError } from '@xim/engine';
import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/** The issues that a schema found in a request's body → one error that names the field and the expected value. */
export function toInvalidInput(error: z.core.$ZodError): InvalidInputError {
  const { path, expected } = explain(error.issues[0]!);
  if (path.length === 0) return new InvalidInputError(`The body is not what this path takes: ${expected}.`);
  const param = path.join('.');
  if (/received undefined$/.test(expected)) {
    return new InvalidInputError(`The field "${param}" is missing; it is required.`, { param });
  }
  return new InvalidInputError(`The value of "${param}" is not valid: ${expected}.`, { param });
}

interface Explanation {
  readonly path: readonly PropertyKey[];
  readonly expected: string;
}

function explain(issue: Issue): Explanation {
  const { path } = issue;
  if (issue.code === 'invalid_key') return { path, expected: plain(issue.issues[0]?.message ?? issue.message) };
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return { path, expected: plain(issue.message) };

  // The alternative that fits best is the one that was wrong furthest inside, or at least had the right type.
  const alternatives = issue.errors.flatMap((issues) =>
    issues.slice(0, 1).map((first) => ({ first, ...explain(first) })),
  );
  const best =
    alternatives.toSorted((a, b) => b.path.length - a.path.length).find((one) => one.path.length > 0) ??
    alternatives.find((one) => one.first.code !== 'invalid_type' && one.first.code !== 'invalid_value');
  if (best) return { path: [...path, ...best.path], expected: best.expected };
  return { path, expected: alternatives.map((one) => one.expected).join(', or ') };
}

/** Zod's message without its opening: `Too big: expected number to be <=2` → `expected number to be <=2`. */
function plain(message: string): string {
  const text = message.replace(/^(Invalid|Too)[^:.]*[:.] */, '');
  return text.charAt(0).toLowerCase() + text.slice(1);
}
