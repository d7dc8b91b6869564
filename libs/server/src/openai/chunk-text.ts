import type { AnswerHead } from './answer-head.ts';

/** The JSON that all chunks of one answer share, before and after their choices. */
export function toEnvelope(
  object: string,
  head: AnswerHead,
  includeUsage: boolean,
): { opening: string; closing: string } {
  const { id, created, model, fingerprint } = head;
  const common = JSON.stringify({ id, object, created, model, system_fingerprint: fingerprint });
  return { opening: `${common.slice(0, -1)},"choices":[`, closing: includeUsage ? '],"usage":null}' : ']}' };
}

// JSON escapes the line ends of ASCII; these three it leaves, and clients that cut text into lines may cut there.
const unicodeLineEnd = /[\u0085\u2028\u2029]/g;

/** JSON that no client takes for several lines. */
export function toLine(value: unknown): string {
  const json = JSON.stringify(value);
  if (json.search(unicodeLineEnd) < 0) return json;
  return json.replace(unicodeLineEnd, (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
