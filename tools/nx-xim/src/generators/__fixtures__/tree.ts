import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatFiles, type Tree } from '@nx/devkit';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';

export const ROOT = join(__dirname, '../../../../..');

/** The files of services and engines that generators read; other packages are only present. */
const READ = ['package.json', 'models.json', 'README.md', 'src/app.ts'];
const IS_READ = /^(apps\/|libs\/engine-)/;

let formatted: Map<string, string> | undefined;

/** An empty workspace in memory with this repository's folders, as far as generators read them. */
export async function treeLikeHere(): Promise<Tree> {
  const tree = createTreeWithEmptyWorkspace();
  // Formatted as here, not with the newest formatter that Nx knows.
  tree.delete('.oxfmtrc.json');
  tree.write('.prettierrc', readFileSync(join(ROOT, '.prettierrc.json')));
  if (formatted === undefined) {
    writeHere(tree);
    // A tree in memory consists of changes, so a generator formats all files. Formatted before, they do not change.
    await formatFiles(tree);
    formatted = textsOf(tree);
  }
  for (const [path, text] of formatted) tree.write(path, text);
  return tree;
}

/** The files that `run` adds to a tree or changes in it, by path and in the order of the alphabet. */
export async function filesOf(tree: Tree, run: () => Promise<unknown>): Promise<Record<string, string>> {
  const before = textsOf(tree);
  await run();
  const changed = [...textsOf(tree)].filter(([path, text]) => before.get(path) !== text);
  return Object.fromEntries(changed.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function writeHere(tree: Tree): void {
  for (const area of ['apps', 'libs', 'tools', 'xim']) {
    for (const folder of readdirSync(join(ROOT, area))) {
      const root = `${area}/${folder}`;
      for (const file of ['package.json', 'tsconfig.json'])
        if (existsSync(join(ROOT, root, file))) tree.write(`${root}/${file}`, '{}\n');
      for (const file of IS_READ.test(root) ? READ.map((name) => `${root}/${name}`) : []) {
        if (existsSync(join(ROOT, file))) tree.write(file, readFileSync(join(ROOT, file)));
      }
    }
  }
}

function textsOf(tree: Tree): Map<string, string> {
  return new Map(tree.listChanges().map(({ path, content }) => [path, String(content)]));
}
