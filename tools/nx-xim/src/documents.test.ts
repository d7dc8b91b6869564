import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(__dirname, '../../..');
const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).split('\n');
const DOCUMENTS = git('ls-files', '--cached', '--others', '--exclude-standard', '*.md').filter(
  (path) => path && existsSync(join(ROOT, path)),
);

/** The targets of the relative links of a Markdown text, without fragments. */
const linksOf = (text: string) =>
  [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target!.split('#')[0]!)
    .filter((target) => target && !/^[a-z]+:/.test(target));

/** The paths from the root of the repository that a Markdown text has in code marks; patterns and examples are left out. */
const pathsOf = (text: string) =>
  [...text.matchAll(/`((?:apps|libs|tools|xim|docs)\/[\w./-]+)`/g)]
    .map(([, path]) => path!)
    .filter((path) => !/my-/.test(path));

describe('a document', () => {
  it.each(DOCUMENTS)('%s names only files that exist', (document) => {
    const text = readFileSync(join(ROOT, document), 'utf8');
    const links = linksOf(text).map((target) => join(dirname(document), target));
    const missing = [...links, ...pathsOf(text)].filter((path) => !existsSync(join(ROOT, path)));
    expect(missing).toEqual([]);
  });
});

describe('the page of threats', () => {
  const rows = readFileSync(join(ROOT, 'docs/threats.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (claim|-+) /.test(line));

  it('has the tests of every claim', () => {
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.filter((row) => !/`[\w./-]+\.test\.ts`: "/.test(row))).toEqual([]);
  });

  it('names tests that exist', () => {
    const named = rows.flatMap((row) =>
      [...row.matchAll(/`([\w./-]+\.test\.ts)`: ("[^"]+"(?:, "[^"]+")*)/g)].flatMap(([, path, titles]) =>
        [...titles!.matchAll(/"([^"]+)"/g)].map(([, title]) => ({ path: path!, title: title! })),
      ),
    );
    // A title stands in a string of the file, in one of the three kinds of quotes.
    const holds = (path: string, title: string): boolean =>
      existsSync(join(ROOT, path)) &&
      [`'${title}'`, `"${title}"`, `\`${title}\``].some((text) =>
        readFileSync(join(ROOT, path), 'utf8').includes(text),
      );
    expect(named.filter(({ path, title }) => !holds(path, title))).toEqual([]);
  });
});
