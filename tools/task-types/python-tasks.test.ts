import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toDocstring } from './docstring.ts';
import { PYTHON_TASKS, readSources, toPythonTasks } from './python-tasks.ts';

const WRITTEN = readFileSync(PYTHON_TASKS, 'utf8');
/** All numbers that the program knows as fractions have to be there, so examples are added to the contract. */
const toPython = (example: string) => toPythonTasks({ ...readSources(), example });

it('xim_worker/tasks.py says what libs/engine says; npx tsx tools/task-types/python-tasks.ts writes it anew', () => {
  expect(WRITTEN).toBe(toPythonTasks());
});

it('it has a class or a union for every type of the tasks, and Python takes them', () => {
  const declared = Object.values(readSources()).flatMap((text) =>
    [...text.matchAll(/^export (?:interface|type) (\w+)/gm)].map(([, name]) => name!),
  );
  const names = declared.filter((name) => name !== 'Task');
  expect(names).toEqual(
    expect.arrayContaining(['GenerateEvent', 'EmbedOutput', 'Segment', 'SpeakInput', 'ImageInput']),
  );
  const code = `import xim_worker.tasks as tasks; print([name for name in ${JSON.stringify(names)} if not hasattr(tasks, name)])`;
  const { stdout, stderr } = spawnSync('python3', ['-B', '-c', code], {
    cwd: join(PYTHON_TASKS, '../..'),
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(stdout.trim()).toBe('[]');
});

describe('a type of the contract in Python', () => {
  it.each([
    ['a: string', 'a: str'],
    ['a?: boolean | undefined', 'a: NotRequired[bool]'],
    ['a: number', 'a: int'],
    ['a: readonly (string | null)[]', 'a: list[str | None]'],
    ['a: Readonly<Record<string, unknown>> | boolean', 'a: dict[str, Any] | bool'],
    ['a: Uint8Array', 'a: _bytes'],
    ["a: 'x' | 'y-z'", 'a: Literal["x", "y-z"]'],
    ['a: { b: number }', 'a: ExampleA'],
  ])('%s is %s', (member, python) => {
    expect(toPython(`export interface Example { readonly ${member}; }`)).toContain(
      `class Example(TypedDict):\n    ${python}\n`,
    );
  });

  it('has the members of the one that it extends, but those that it leaves out', () => {
    const text = "export interface A { x: string; y: string }\nexport interface B extends Omit<A, 'y'> { z: string }";
    expect(toPython(text)).toContain('class B(TypedDict):\n    x: str\n    z: str\n');
  });

  it('is a union of classes, each named by what tells it from the others', () => {
    const text =
      "export type RunEvent =\n  /** Begins. */\n  | { type: 'begin' }\n  | { type: 'go-on'; step: number };";
    expect(toPython(text)).toMatch(
      /class RunBegin\(TypedDict\):\n {4}"""Begins\."""\n\n {4}type: Literal\["begin"\]\n\n\nclass RunGoOn\(TypedDict\):[^]*\nRunEvent = RunBegin \| RunGoOn\n/,
    );
  });

  it.each(['export interface A { f(): void }', 'export interface A { m: Map<string, string> }', 'export const A = 1;'])(
    'is refused where Python has none: %s',
    (text) => {
      expect(() => toPython(text)).toThrow(/^example\.ts: tools\/task-types has no Python for "/);
    },
  );

  it('is refused where a number that need not be whole is gone', () => {
    const { speak, ...others } = readSources();
    expect(() => toPythonTasks({ ...others, speak: speak!.replace('speed?', 'pace?') })).toThrow(
      'The contract has no number SpeakInput.speed',
    );
  });
});

it('a docstring is broken into lines of 120 characters', () => {
  expect(toDocstring('Short.', 4)).toBe('    """Short."""');
  const lines = toDocstring('word '.repeat(60).trim(), 4).split('\n');
  expect(lines.at(-1)).toBe('    """');
  expect(lines.every((line) => line.length <= 120 && line.startsWith('    '))).toBe(true);
  expect(lines.join(' ').match(/word/g)).toHaveLength(60);
});
