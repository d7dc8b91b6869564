/** Where a JSON text stops being JSON. */
export interface JsonProblem {
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** The line of every value, by `JSON.stringify(path)`; `problem` where the text stops being JSON. */
export interface JsonPositions {
  readonly lines: ReadonlyMap<string, number>;
  readonly problem?: JsonProblem;
}

const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\r\n]*/y;

/**
 * Maps a JSON text (RFC 8259) to lines. `JSON.parse` tells neither the line of a value nor, in every version of
 * Node.js, the place of a mistake; and it takes the last of two equal keys without a word, which here is a mistake too.
 */
export function readJsonPositions(text: string): JsonPositions {
  const lines = new Map<string, number>();
  let at = 0;

  const lineAt = (offset: number): number => text.slice(0, offset).split('\n').length;
  const fail = (message: string, offset = at): never => {
    throw { line: lineAt(offset), message } satisfies JsonProblem;
  };
  const found = (): string => (at < text.length ? `found ${JSON.stringify(text[at])}` : 'the file ends here');
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text)?.[0];
    if (match !== undefined) at += match.length;
    return match;
  };
  /** Reads the members or elements between the brackets. */
  const list = (close: string, element: (index: number) => void): void => {
    at += 1;
    take(SPACE);
    if (text[at] === close) {
      at += 1;
      return;
    }
    for (let index = 0; ; index += 1) {
      element(index);
      take(SPACE);
      if (text[at] === close) break;
      if (text[at] !== ',') fail(`expected "," or "${close}", ${found()}`);
      at += 1;
      take(SPACE);
    }
    at += 1;
  };
  const member = (path: readonly PropertyKey[]): void => {
    const from = at;
    const key = take(STRING);
    if (key === undefined) return fail(`expected a key in double quotes, ${found()}`);
    const inner = [...path, JSON.parse(key) as string];
    if (lines.has(JSON.stringify(inner))) fail(`the key ${key} stands here for the second time`, from);
    take(SPACE);
    if (text[at] !== ':') fail(`expected ":", ${found()}`);
    at += 1;
    value(inner);
  };
  const value = (path: readonly PropertyKey[]): void => {
    take(SPACE);
    lines.set(JSON.stringify(path), lineAt(at));
    if (text[at] === '{') list('}', () => member(path));
    else if (text[at] === '[') list(']', (index) => value([...path, index]));
    else if (take(STRING) === undefined && take(SCALAR) === undefined) fail(`expected a JSON value, ${found()}`);
  };

  try {
    value([]);
    take(SPACE);
    if (at < text.length) fail(`expected the end of the file, ${found()}`);
    return { lines };
  } catch (problem) {
    return { lines, problem: problem as JsonProblem };
  }
}
