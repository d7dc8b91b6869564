import { execFileSync } from 'node:child_process';
import {
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { foldersWith } from '../../check/folders.mjs';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/**
 * Makes a repository of one commit of the files of this one as they are now, with the packages installed here: a
 * release writes versions, commits and tags, and may do so there.
 *
 * @param without folders to leave out, such as `apps/chat`
 */
export function checkOut(folder: string, without: readonly string[] = []): void {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, stdio: 'pipe' });
  const list = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  for (const path of execFileSync('git', list, { cwd: ROOT, encoding: 'utf8' }).split('\0')) {
    const from = join(ROOT, path);
    if (without.some((left) => path.startsWith(`${left}/`))) continue;
    if (!path || !lstatSync(from, { throwIfNoEntry: false })?.isFile()) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(from, join(folder, path));
  }
  linkPackages(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  // A package with another version of a dependency has it in its own node_modules.
  for (const own of ['apps', 'libs', 'tools'].flatMap((area) => foldersWith(ROOT, area, 'node_modules'))) {
    symlinkSync(join(ROOT, own, 'node_modules'), join(folder, own, 'node_modules'));
  }
  git('init', '--quiet', '--initial-branch=main');
  git('config', 'user.name', 'Test');
  git('config', 'user.email', 'test@example.invalid');
  writeFileSync(join(folder, '.git/info/exclude'), 'node_modules\n.model_cache\n');
  // A first release covers the changes after the first commit.
  git('commit', '--quiet', '--allow-empty', '--message', 'chore: nothing yet');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'feat: the beginning');
}

/** The base images whose wheels include PyTorch, which is on a separate index, and the services on them. */
export function foldersOnPyTorch(): string[] {
  const dockerfile = (folder: string) => readFileSync(join(ROOT, folder, 'Dockerfile'), 'utf8');
  const bases = foldersWith(ROOT, 'xim', 'Dockerfile').filter((folder) => dockerfile(folder).includes('pytorch.in'));
  const names = bases.map((folder) => `ENGINE_IMAGE=xim-${folder.split('/')[1]!}`);
  const services = foldersWith(ROOT, 'apps', 'Dockerfile').filter((folder) =>
    names.some((name) => dockerfile(folder).split('\n').includes(`ARG ${name}`)),
  );
  return [...bases, ...services];
}

/** Links to all installed packages; ours are links within the workspace, and stay so. */
function linkPackages(from: string, to: string): void {
  mkdirSync(join(to, '@xim'), { recursive: true });
  for (const name of readdirSync(from)) {
    if (name !== '@xim' && name !== '.cache') symlinkSync(join(from, name), join(to, name));
  }
  for (const name of readdirSync(join(from, '@xim')))
    symlinkSync(readlinkSync(join(from, '@xim', name)), join(to, '@xim', name));
}
