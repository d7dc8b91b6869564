import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const locks = ['tools/python', 'tools/bench', ...readdirSync(join(ROOT, 'libs')).map((lib) => `libs/${lib}/python`)]
  .flatMap((folder) => [`${folder}/requirements`, `${folder}/convert`])
  .filter((lock) => existsSync(join(ROOT, `${lock}.in`)));

const NAME = /^[A-Za-z0-9][\w.-]*/;
const entriesOf = (text: string) =>
  text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*/, '').trim())
    .filter(Boolean);
const namesOf = (text: string) => entriesOf(text).flatMap((entry) => NAME.exec(entry)?.[0].toLowerCase() ?? []);
/** What a list asks for, with the lists that it takes by `-r`. */
const askedBy = (path: string): string[] => {
  const text = readFileSync(path, 'utf8');
  const others = entriesOf(text).flatMap((entry) => /^-r (.+)$/.exec(entry)?.[1] ?? []);
  return [...namesOf(text), ...others.flatMap((other) => askedBy(join(dirname(path), other)))];
};

it.each(locks)('%s: every wheel has one version and hashes; no host is named', (name) => {
  const lock = readFileSync(join(ROOT, `${name}.lock`), 'utf8');
  const entries = entriesOf(lock);
  // An engine that was begun asks for none yet.
  const asked = entriesOf(readFileSync(join(ROOT, `${name}.in`), 'utf8'));
  expect(entries.length).toBeGreaterThanOrEqual(asked.length);
  for (const entry of entries) {
    expect(entry).toMatch(/^[A-Za-z0-9][\w.-]*==[\w.]+(?: ; [^;]+?)?(?:\s+--hash=sha256:[0-9a-f]{64})+$/);
  }
  expect(lock).not.toMatch(/:\/\/|--(?:extra-)?index-url|--find-links|--trusted-host/);
});

it.each(locks)('%s: the lock holds what is asked for, and nothing that is left out', (lock) => {
  const read = (ending: string) => {
    const path = join(ROOT, `${lock}${ending}`);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };
  const locked = namesOf(read('.lock'));
  expect(locked).toEqual(expect.arrayContaining(askedBy(join(ROOT, `${lock}.in`))));
  for (const name of namesOf(read('.excluded.in'))) expect(locked).not.toContain(name);
});

it('nothing reports its use', () => {
  for (const lock of locks) expect(readFileSync(join(ROOT, `${lock}.lock`), 'utf8')).not.toMatch(/telemetry/);
});
