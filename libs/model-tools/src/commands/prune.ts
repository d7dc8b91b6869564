import { readdir, readlink, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { formatBytes } from '@xim/model-cache';
import { forgetVerified, lockOf, placeOf, repoFolder, withLock } from '@xim/model-cache/internal';
import { type Command, type Context, forEachModel } from './command.ts';

export const prune: Command = {
  summary: 'remove what the models.json files no longer name; without --yes it only says what',
  usage: `FILE… [--yes]

Looks at the models that FILE… name and at no others: unfinished transfers, folders that XIM made for other contents, and
contents that then belong to nothing. Revisions that the hub's own tools brought stay.

  --yes              remove`,
  options: { yes: { type: 'boolean' } },
  files: true,
  async run(context) {
    const kept = new Map<string, Set<string>>();
    let failed = false;
    await forEachModel(
      { ...context, fail: (message) => ((failed = true), context.fail(message)) },
      async ({ model }) => {
        const folder = repoFolder(model.id);
        const snapshots = kept.get(folder) ?? new Set();
        kept.set(folder, snapshots);
        for (const [artifact, { files }] of Object.entries(model.artifacts)) {
          snapshots.add(basename(placeOf(context.cacheDir, model, artifact, files).snapshot));
        }
      },
    );
    // An unreadable file may name a model that would be deleted.
    if (failed) return undefined;
    const removed: { path: string; bytes: number }[] = [];
    for (const [folder, snapshots] of kept) {
      if (
        !(await exists(join(context.cacheDir, folder))) &&
        !(await exists(join(context.cacheDir, '.partial', folder)))
      )
        continue;
      await withLock(lockOf(context.cacheDir, folder), context.signal, async () => {
        removed.push(...(await pruneModel(folder, snapshots, context)));
      });
    }
    const bytes = removed.reduce((sum, one) => sum + one.bytes, 0);
    const done = context.values['yes'] === true;
    context.say(`${formatBytes(bytes)} ${done ? 'freed' : 'to free: run it again with --yes'}`);
    return { removed, bytes, done };
  },
};

async function pruneModel(folder: string, kept: ReadonlySet<string>, context: Context) {
  const root = join(context.cacheDir, folder);
  const found: { path: string; bytes: number }[] = [];
  const take = async (path: string, bytes: number): Promise<void> => {
    found.push({ path, bytes });
    context.say(`${context.values['yes'] === true ? 'removed' : 'would go'}  ${formatBytes(bytes)}  ${path}`);
    if (context.values['yes'] === true) await rm(path, { recursive: true, force: true });
  };

  const partial = join(context.cacheDir, '.partial', folder);
  if (await exists(partial)) await take(partial, await sizeOf(partial));
  const used = new Set<string>();
  for (const name of await readdir(join(root, 'snapshots')).catch(() => [])) {
    const snapshot = join(root, 'snapshots', name);
    if (!kept.has(name) && name.startsWith('sha256-')) await take(snapshot, await sizeOf(snapshot));
    else for (const blob of await blobsOf(snapshot)) used.add(blob);
  }
  for (const name of await readdir(join(root, 'blobs')).catch(() => [])) {
    // A file whose name is no checksum belongs to another tool.
    if (used.has(name) || !/^[0-9a-f]{64}$/.test(name)) continue;
    const blob = join(root, 'blobs', name);
    await take(blob, (await stat(blob)).size);
    if (context.values['yes'] === true) await forgetVerified(root, name);
  }
  return found;
}

async function blobsOf(snapshot: string): Promise<string[]> {
  const entries = await readdir(snapshot, { recursive: true, withFileTypes: true });
  const links = entries.filter((entry) => entry.isSymbolicLink());
  return Promise.all(links.map(async (entry) => basename(await readlink(join(entry.parentPath, entry.name)))));
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
