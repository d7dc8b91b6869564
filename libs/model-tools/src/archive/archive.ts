import { createReadStream } from 'node:fs';
import { mkdir, open, readlink, rename, rm, stat, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname, join, posix } from 'node:path';
import type { ModelEntry } from '@xim/engine';
import { ModelFetchError } from '@xim/model-cache';
import {
  createOnce,
  hasSize,
  isComplete,
  isVerified,
  lockOf,
  pathProblem,
  placeOf,
  recordVerified,
  removePartial,
  showBlob,
  storeBlob,
  withLock,
} from '@xim/model-cache/internal';
import { readTar, type TarMember, toTarEnd, toTarHeader, toTarPadding } from './tar.ts';

export interface Packed {
  readonly model: ModelEntry;
  readonly artifact: string;
}

/**
 * Writes cached artifacts into a tar that holds them as the cache does, contents once. It is unpacked by `unpack`, which
 * checks it; unpacked by `tar -x` it is a cache as well, which is then checked at its first use. Rejects with a
 * `ModelFetchError` when something is not in the cache.
 */
export async function pack(path: string, cacheDir: string, packed: readonly Packed[]): Promise<{ bytes: number }> {
  const temporary = `${path}.${randomUUID()}.new`;
  const archive = await open(temporary, 'wx');
  const written = new Set<string>();
  let bytes = 0;
  const write = async (buffer: Buffer): Promise<void> => {
    await archive.appendFile(buffer);
    bytes += buffer.length;
  };
  const add = async (member: { name: string; target?: string; content?: string }): Promise<void> => {
    if (written.has(member.name)) return;
    written.add(member.name);
    const { name, target = '', content } = member;
    const { size, mtimeMs } = content === undefined ? { size: 0, mtimeMs: 0 } : await stat(content);
    await write(
      toTarHeader({ name, kind: content === undefined ? 'link' : 'file', size, target }, Math.floor(mtimeMs / 1000)),
    );
    if (content === undefined) return;
    let sent = 0;
    for await (const chunk of createReadStream(content, { highWaterMark: 1024 * 1024 })) {
      await write(chunk as Buffer);
      sent += (chunk as Buffer).length;
    }
    if (sent !== size) throw new ModelFetchError(`${content} changed while it was read`);
    await write(toTarPadding(size));
  };
  try {
    for (const { model, artifact } of packed) {
      const files = model.artifacts[artifact]?.files ?? [];
      const place = placeOf(cacheDir, model, artifact, files);
      if (!(await isComplete(place, undefined))) {
        throw new ModelFetchError(
          `${artifact} of ${model.id} is not whole in the model cache ${cacheDir}; run: npx xim-models pull`,
        );
      }
      const root = posix.join(place.root.slice(cacheDir.length + 1));
      const snapshot = place.snapshot.slice(place.root.length + 1);
      for (const file of files) {
        const content = join(place.snapshot, file.path);
        await add({ name: `${root}/blobs/${file.sha256}`, content });
        const name = `${root}/${snapshot}/${file.path}`;
        await add({ name, target: posix.relative(posix.dirname(name), `${root}/blobs/${file.sha256}`) });
      }
    }
    await write(toTarEnd());
    await archive.sync();
    await archive.close();
    await rename(temporary, path);
    return { bytes };
  } catch (error) {
    await archive.close().catch(() => undefined);
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

type Part =
  | { readonly kind: 'blob'; readonly root: string; readonly sha256: string; readonly member: TarMember }
  | {
      readonly kind: 'link';
      readonly root: string;
      readonly path: string;
      readonly sha256: string;
      readonly target: string;
    }
  | { readonly kind: 'ref'; readonly root: string; readonly path: string; readonly member: TarMember };

const MEMBER = /^(models--[A-Za-z0-9][\w.-]*--[A-Za-z0-9][\w.-]*)\/(blobs|snapshots|refs)\/(.+)$/;

/**
 * Imports an archive of `pack` into a cache and checks every content. Rejects with a `ModelFetchError` when a member of
 * the archive has another kind or not the content of its name; then the cache is unchanged. Returns snapshot folders.
 */
export async function unpack(path: string, cacheDir: string, signal?: AbortSignal): Promise<string[]> {
  // First the whole list: nothing is written for an archive with a refused member.
  const members = await readTar(path).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new ModelFetchError(`there is no file ${path}`) : error;
  });
  const parts = members.filter(({ kind }) => kind !== 'folder').map((member) => toPart(member, path));
  const blobs = new Set(parts.flatMap((part) => (part.kind === 'blob' ? `${part.root}/${part.sha256}` : [])));
  for (const part of parts) {
    if (part.kind === 'link' && !blobs.has(`${part.root}/${part.sha256}`)) {
      throw new ModelFetchError(`${path} holds a link to ${part.sha256}, but not that content`);
    }
  }

  const snapshots = new Set<string>();
  for (const root of new Set(parts.map((part) => part.root))) {
    const mine = parts.filter((part) => part.root === root);
    await withLock(lockOf(cacheDir, root), signal, () => unpackModel(path, cacheDir, root, mine, snapshots, signal));
  }
  return [...snapshots];
}

async function unpackModel(
  path: string,
  cacheDir: string,
  root: string,
  parts: readonly Part[],
  snapshots: Set<string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const folder = join(cacheDir, root);
  const partial = join(cacheDir, '.partial', root, `import-${randomUUID()}`);
  const added: string[] = [];
  await mkdir(partial, { recursive: true });
  try {
    await mkdir(join(folder, 'blobs'), { recursive: true });
    for (const part of parts) {
      if (part.kind !== 'blob') continue;
      const { sha256, member } = part;
      const blob = join(folder, 'blobs', sha256);
      if ((await hasSize(blob, member.size)) && (await isVerified(folder, blob, sha256))) continue;
      const { offset: start, size, name } = member;
      const bytes = createReadStream(path, { start, end: start + size - 1, highWaterMark: 1024 * 1024 });
      await storeBlob(bytes, { path: name, size, sha256 }, blob, partial, signal);
      added.push(blob);
      await recordVerified(folder, blob, sha256);
    }
    const links = parts.filter((part) => part.kind === 'link');
    for (const [index, part] of links.entries()) {
      const shared = links.slice(index + 1).some(({ sha256 }) => sha256 === part.sha256);
      snapshots.add(await makeLink(cacheDir, part, partial, shared));
    }
    for (const part of parts) if (part.kind === 'ref') await makeRef(cacheDir, part, path, partial);
  } catch (error) {
    for (const blob of added) await rm(blob, { force: true });
    throw error;
  } finally {
    await removePartial({ partial });
  }
}

async function makeLink(
  cacheDir: string,
  part: Extract<Part, { kind: 'link' }>,
  partial: string,
  shared: boolean,
): Promise<string> {
  const at = join(cacheDir, part.root, 'snapshots', part.path);
  if ((await readlink(at).catch(() => undefined)) !== part.target) {
    await showBlob(join(cacheDir, part.root, 'blobs', part.sha256), at, partial, shared);
  }
  return join(cacheDir, part.root, 'snapshots', part.path.split('/')[0]!);
}

/** A branch in the cache is not changed. */
async function makeRef(
  cacheDir: string,
  part: Extract<Part, { kind: 'ref' }>,
  path: string,
  partial: string,
): Promise<void> {
  const archive = await open(path);
  const { buffer } = await archive.read(Buffer.alloc(40), 0, 40, part.member.offset).finally(() => archive.close());
  if (!/^[0-9a-f]{40}$/.test(buffer.toString()))
    throw new ModelFetchError(`${part.member.name} in ${path} is no commit`);
  const ref = join(cacheDir, part.root, part.path);
  await mkdir(dirname(ref), { recursive: true });
  const temporary = join(partial, randomUUID());
  await writeFile(temporary, buffer);
  await createOnce(temporary, ref);
}

function toPart(member: TarMember, path: string): Part {
  const refuse = (problem: string): never => {
    throw new ModelFetchError(`${path} holds ${JSON.stringify(member.name)}, ${problem}; nothing was taken from it`);
  };
  const [, root, place, rest] = MEMBER.exec(member.name) ?? [];
  if (root === undefined || rest === undefined) return refuse('which is no part of a model cache');
  const problem = pathProblem(member.name);
  if (problem !== undefined) return refuse(`a path ${problem}`);
  if (place === 'blobs' && member.kind === 'file') {
    return /^[0-9a-f]{64}$/.test(rest)
      ? { kind: 'blob', root, sha256: rest, member }
      : refuse('a content without sha256');
  }
  if (place === 'refs' && member.kind === 'file') {
    return rest === 'main' && member.size === 40
      ? { kind: 'ref', root, path: 'refs/main', member }
      : refuse('no branch');
  }
  if (place === 'snapshots' && member.kind === 'link' && rest.includes('/')) {
    const { target } = member;
    const sha256 = posix.basename(target);
    const expected = posix.relative(posix.dirname(member.name), `${root}/blobs/${sha256}`);
    if (target !== expected || !/^[0-9a-f]{64}$/.test(sha256)) return refuse(`a link to ${JSON.stringify(target)}`);
    return { kind: 'link', root, path: rest, sha256, target };
  }
  return refuse('which is no part of a model cache');
}
