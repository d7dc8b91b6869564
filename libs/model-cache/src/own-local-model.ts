import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { ModelEntry, ModelFile } from '@xim/engine';
import { isPresent, placeOf } from './cache-layout.ts';
import { ModelFetchError } from './errors.ts';
import { readGguf } from './gguf.ts';
import { hashFile } from './hash-file.ts';
import type { OwnFacts, OwnModelOptions } from './own-model.ts';
import { refusePickle } from './pickle.ts';
import { openFile } from './read-at.ts';
import { recordVerified } from './verified.ts';

/**
 * A GGUF file of this machine. It stays where it is: the cache gets a link to it and a record of its checksum, which
 * is computed once and again whenever size or time of the file change.
 */
export async function resolveLocalModel({ text, cacheDir, signal }: OwnModelOptions): Promise<OwnFacts> {
  const path = await findFile(resolve(text), text);
  const { size, mtimeMs } = await stat(path);
  const name = basename(path);
  const { shape } = await openFile(path, (readAt) => readGguf(readAt, path));

  const id = `local/${toName(name)}`;
  const created = Math.floor(mtimeMs / 1000);
  const root = placeOf(cacheDir, { id } as ModelEntry, '', []).root;
  const sha256 = await checksumOf(path, `${size} ${mtimeMs}`, root, signal);
  const files: ModelFile[] = [{ path: name, size, sha256, sources: [`file:${path}`] }];
  const facts: OwnFacts = { id, licence: 'LicenseRef-unstated', created, shape, files };
  await linkInto(cacheDir, facts, path);
  return facts;
}

async function findFile(path: string, text: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new ModelFetchError(`XIM_MODEL=${text}: there is no such file or folder (${path})`);
  if (found.isFile()) return path;
  const names = (await readdir(path)).sort();
  const [only, ...others] = names.filter((name) => /\.gguf$/i.test(name));
  if (only !== undefined && others.length === 0) return join(path, only);
  const what =
    only !== undefined
      ? `several GGUF files (${[only, ...others].join(', ')}); name one of them`
      : names.some((name) => /^openvino_.*\.xml$/.test(name))
        ? 'OpenVINO IR, which is not served by XIM_MODEL today; expected a GGUF file of the model'
        : names.some((name) => name.endsWith('.safetensors'))
          ? 'safetensors, which are not served by XIM_MODEL today; expected a GGUF file of the model'
          : `no GGUF file (it has: ${names.slice(0, 10).join(', ') || 'nothing'})`;
  throw new ModelFetchError(`XIM_MODEL=${text}: the folder holds ${what}`);
}

/** A name that is valid in a model id. */
function toName(file: string): string {
  const name = file.replace(/\.gguf$/i, '').replaceAll(/[^\w.-]+|\.{2,}|-{2,}/g, '-');
  return name.replace(/^[^A-Za-z0-9]+/, '') || 'model';
}

async function checksumOf(path: string, identity: string, root: string, signal?: AbortSignal): Promise<string> {
  const record = join(root, '.xim', 'local', createHash('sha256').update(path).digest('hex').slice(0, 32));
  const [known, sha256] = ((await readFile(record, 'utf8').catch(() => '')) as string).split('\n');
  if (known === identity && /^[0-9a-f]{64}$/.test(sha256 ?? '')) return sha256!;
  const computed = await hashFile(path, signal);
  await refusePickle(path, path);
  await mkdir(dirname(record), { recursive: true });
  await writeFile(record, `${identity}\n${computed}`);
  return computed;
}

async function linkInto(cacheDir: string, { id, files }: OwnFacts, path: string): Promise<void> {
  const place = placeOf(cacheDir, { id } as ModelEntry, '', files);
  const [file] = files as [ModelFile];
  const link = join(place.snapshot, file.path);
  if (!(await isPresent(place, file))) {
    await mkdir(place.snapshot, { recursive: true });
    const temporary = `${link}.${randomUUID()}`;
    await symlink(path, temporary);
    await rename(temporary, link);
  }
  await recordVerified(place.root, link, file.sha256);
}
