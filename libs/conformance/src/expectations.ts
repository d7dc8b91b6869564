import { z } from 'zod';
import { MismatchError } from './errors.ts';
import { type Kind, toShapeKind } from './kinds.ts';

const SHOWN = 300;

/** A key without a requirement: it may have any value, or be absent. */
export const anything = z.unknown().optional();

/** A found value for the report: JSON, shortened if it is long. */
export function toShown(value: unknown): string {
  return cut(value === undefined ? 'nothing' : JSON.stringify(value));
}

/** Shortens a long text. */
export function cut(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}… (${text.length} characters)` : text;
}

/** `expected` completes "expected …"; `found` is shown as JSON; `kind` is for a fault that other checks find too. */
export function expectThat(ok: unknown, expected: string, found: unknown, kind?: Kind): asserts ok {
  if (!ok) throw new MismatchError(expected, toShown(found), kind);
}

export function expectEqual(found: unknown, expected: string | number | boolean | null, what: string): void {
  expectThat(found === expected, `${what} to be ${toShown(expected)}`, found);
}

/** Compares texts of several answers: tries again after a mismatch, since batches round differently. */
export async function retryMismatch(attempt: (first: boolean) => Promise<void>): Promise<void> {
  for (let tries = 1; tries < 4; tries += 1) {
    try {
      return await attempt(tries === 1);
    } catch (error) {
      if (!(error instanceof MismatchError)) throw error;
    }
  }
  await attempt(false);
}

/** Parses `value`, or throws a MismatchError that names the first place where `value` differs from `schema`. */
export function expectShape<T extends z.ZodType>(schema: T, value: unknown, what: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue!.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  const wanted = issue!.message
    .replace(/^Invalid (input|option): expected /, '')
    .replace(/, received .*$/, '')
    .replace(/^Too (small|big): expected /, '');
  const found = at(value, issue!.path);
  const kind = toShapeKind(what, path, found, issue!.code === 'invalid_type');
  throw new MismatchError(`${what}${path}: ${wanted}`, toShown(found), kind);
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key], value);
}
