import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const folders = [
  'tools/python',
  ...readdirSync(join(ROOT, 'libs'))
    .map((lib) => `libs/${lib}/python`)
    .filter((folder) => existsSync(join(ROOT, folder, 'requirements.in'))),
];

const NAME = /^[A-Za-z0-9][\w.-]*/;
const entriesOf = (text: string) =>
  text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*/, '').trim())
    .filter(Boolean);
const namesOf = (text: string) => entriesOf(text).map((entry) => NAME.exec(entry)?.[0].toLowerCase());

it.each(folders)('%s: every wheel has one version and hashes; no host is named', (folder) => {
  const lock = readFileSync(join(ROOT, folder, 'requirements.lock'), 'utf8');
  const entries = entriesOf(lock);
  // An engine that was begun asks for none yet.
  const asked = entriesOf(readFileSync(join(ROOT, folder, 'requirements.in'), 'utf8'));
  expect(entries.length).toBeGreaterThanOrEqual(asked.length);
  for (const entry of entries) {
    expect(entry).toMatch(/^[A-Za-z0-9][\w.-]*==[\w.]+(?: ; [^;]+?)?(?:\s+--hash=sha256:[0-9a-f]{64})+$/);
  }
  expect(lock).not.toMatch(/:\/\/|--(?:extra-)?index-url|--find-links|--trusted-host/);
});

it.each(folders)('%s: the lock holds what requirements.in asks for, and nothing that is left out', (folder) => {
  const read = (file: string) => {
    const path = join(ROOT, folder, file);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };
  const locked = namesOf(read('requirements.lock'));
  expect(locked).toEqual(expect.arrayContaining(namesOf(read('requirements.in'))));
  for (const name of namesOf(read('requirements.excluded.in'))) expect(locked).not.toContain(name);
});

it('no engine reports its use', () => {
  for (const folder of folders)
    expect(readFileSync(join(ROOT, folder, 'requirements.lock'), 'utf8')).not.toMatch(/telemetry/);
});
