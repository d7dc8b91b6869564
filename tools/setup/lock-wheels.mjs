// `node tools/setup/lock-wheels.mjs [--upgrade]` makes every lock of wheels anew from the .in file beside it:
// requirements.lock of what runs, convert.lock of what prepares models.
// It needs uv on PATH (or its path in the variable UV), since pip cannot resolve for Pythons other than its own.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folders = [
  join(root, 'tools/python'),
  join(root, 'tools/bench'),
  ...readdirSync(join(root, 'libs')).map((lib) => join(root, 'libs', lib, 'python')),
];
const locks = folders.flatMap((folder) =>
  ['requirements', 'convert']
    .filter((name) => existsSync(join(folder, `${name}.in`)))
    .map((name) => ({ folder, name })),
);

for (const { folder, name } of locks) {
  // uv asks the indexes of its own settings, not pip's (UV_INDEX, UV_FIND_LINKS). No option here writes one into the lock.
  const { status, error } = spawnSync(
    process.env.UV ?? 'uv',
    [
      ...['pip', 'compile', `${name}.in`, '--output-file', `${name}.lock`, '--quiet'],
      ...['--universal', '--python-version', '3.10', '--no-python-downloads', '--only-binary', ':all:'],
      ...['--generate-hashes', '--no-annotate', '--custom-compile-command', 'node tools/setup/lock-wheels.mjs'],
      // A list of its own, since uv could not tell a dependency that is left out on purpose from one that was forgotten.
      ...(existsSync(join(folder, `${name}.excluded.in`)) ? ['--excludes', `${name}.excluded.in`] : []),
      ...process.argv.slice(2),
    ],
    { cwd: folder, stdio: 'inherit' },
  );
  if (error) {
    console.error(
      `uv could not be started (${error.message}). Install it (pip install uv), or name it: UV=/path/to/uv.`,
    );
    process.exit(1);
  }
  if (status !== 0) process.exit(status ?? 1);
  console.log(relative(root, join(folder, `${name}.lock`)));
}
