import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { ModelEntry, ModelFile } from '@xim/engine';
import { isPresent, placeOf } from '../cache/cache-layout.ts';
import { LOCAL_OWNER, toLocalName } from '../cache/local-name.ts';
import { writeMemo } from '../cache/memo.ts';
import { recordVerified } from '../cache/verified.ts';
import { ModelFetchError } from '../errors.ts';
import { toGgufStem } from '../formats/gguf-parts.ts';
import { refusePickle } from '../formats/pickle.ts';
import { hashFile } from '../transfer/hash-file.ts';
import { chooseFormat } from './choose-format.ts';
import type { CustomModelFacts, CustomModelOptions, ResolvedModel } from './custom-model-options.ts';
import { localFiles } from './local-files.ts';

/**
 * A model of this machine: a file, of a split one any part, or a folder. Its files stay where they are: the cache gets
 * links to them and records of their checksums, which are computed once and again whenever size or time of a file
 * change.
 */
export async function resolveLocalModel(options: CustomModelOptions): Promise<ResolvedModel> {
  const { text, cacheDir, signal, shipped, engines } = options;
  const path = resolve(text);
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new ModelFetchError(`${text}: there is no such file or folder (${path})`);
  const folder = found.isFile() ? dirname(path) : path;
  const files = await localFiles(folder, text);
  const asked = found.isFile() ? basename(path) : undefined;
  const { format, chosen } = chooseFormat(files, asked, shipped.task, engines);
  const { shape, options: own } = await format.readFacts(files, chosen);

  const [first] = chosen.keys();
  const isOneFile = format.name === 'gguf' || asked !== undefined;
  const id = `${LOCAL_OWNER}/${toLocalName(isOneFile ? toStem(first!) : folderName(folder))}`;
  const root = placeOf(cacheDir, { id } as ModelEntry, '', []).root;
  const served: ModelFile[] = [];
  let created = 0;
  for (const [name, from] of chosen) {
    const source = join(folder, from);
    const { size, mtimeMs } = await stat(source);
    const sha256 = await checksumOf(source, `${size} ${mtimeMs}`, root, signal);
    served.push({ path: name, size, sha256, sources: [`file:${source}`] });
    created = Math.max(created, Math.floor(mtimeMs / 1000));
  }
  const facts: CustomModelFacts = {
    ...{ id, licence: 'LicenseRef-unstated', created, shape, files: served },
    ...(own && { options: own }),
  };
  await linkInto(cacheDir, facts);
  return { facts, format };
}

function toStem(name: string): string {
  return /\.gguf$/i.test(name) ? toGgufStem(name) : name.replace(/\.[a-z]+$/i, '');
}

/** The model's name where the folder is one of a model cache, whose own name is a checksum. */
function folderName(folder: string): string {
  return /models--(?:[^/]+?)--([^/]+)\/snapshots\/[^/]+$/.exec(folder)?.[1] ?? basename(folder);
}

async function checksumOf(path: string, identity: string, root: string, signal?: AbortSignal): Promise<string> {
  const record = join(root, '.xim', 'local', createHash('sha256').update(path).digest('hex').slice(0, 32));
  const [known, sha256] = ((await readFile(record, 'utf8').catch(() => '')) as string).split('\n');
  if (known === identity && /^[0-9a-f]{64}$/.test(sha256 ?? '')) return sha256!;
  const computed = await hashFile(path, signal);
  await refusePickle(path, path);
  await writeMemo(record, `${identity}\n${computed}`);
  return computed;
}

/** Where the cache takes no links, `fetchArtifact` finds the files where they lie. */
async function linkInto(cacheDir: string, { id, files }: CustomModelFacts): Promise<void> {
  const place = placeOf(cacheDir, { id } as ModelEntry, '', files);
  for (const file of files) {
    const link = join(place.snapshot, file.path);
    if (!(await isPresent(place, file))) {
      const temporary = `${link}.${randomUUID()}`;
      try {
        await mkdir(dirname(link), { recursive: true });
        await symlink(file.sources[0]!.slice('file:'.length), temporary);
        await rename(temporary, link);
      } catch {
        await rm(temporary, { force: true }).catch(() => undefined);
        return;
      }
    }
    await recordVerified(place.root, link, file.sha256);
  }
}
