import { MismatchError } from './errors.ts';
import { toShown } from './expectations.ts';

/** One block of a stream, unchanged. */
export interface Frame {
  /** All lines except comments. */
  readonly lines: readonly string[];
  /** The data lines, joined by the rules of the standard; undefined for a frame with comments only. */
  readonly data: string | undefined;
}

export interface Frames {
  readonly frames: readonly Frame[];
  /** The text after the last empty line: an unfinished frame. */
  readonly rest: string;
}

/**
 * Splits a whole stream into frames (https://html.spec.whatwg.org/multipage/server-sent-events.html). It repairs
 * and drops nothing, since checks must find errors that lenient clients ignore.
 */
export function toFrames(text: string): Frames {
  const blocks = text.replaceAll('\r\n', '\n').split('\n\n');
  const rest = blocks.pop()!;
  const frames = blocks.map((block) => {
    const lines = block.split('\n').filter((line) => !line.startsWith(':'));
    const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.replace(/^data: ?/, ''));
    return { lines, data: data.length > 0 ? data.join('\n') : undefined };
  });
  return { frames, rest };
}

export const DONE = '[DONE]';

/** The JSON objects of a stream, without `[DONE]`. */
export function toObjects({ frames }: Frames): Record<string, unknown>[] {
  return frames.flatMap(({ data }, i) => {
    if (data === undefined || data === DONE) return [];
    const value = parse(data);
    if (typeof value === 'object' && value !== null) return [value as Record<string, unknown>];
    throw new MismatchError(`frame ${i} to carry a JSON object`, toShown(data), {
      name: 'stream:json',
      sentence: 'a frame of a stream is not a JSON object',
    });
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
