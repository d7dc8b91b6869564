import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { ModelEntry, ModelFile } from '@xim/engine';
import { isPresent, placeOf } from '../cache/cache-layout.ts';
import { ModelFetchError } from '../errors.ts';
import { readGguf } from '../formats/gguf.ts';
import { isLaterPart, toGgufParts, toGgufStem } from '../formats/gguf-parts.ts';
import { hashFile } from '../transfer/hash-file.ts';
import { LOCAL_OWNER, toLocalName } from '../cache/local-name.ts';
import { IR } from './openvino-ir.ts';
import { isXft, readXftFacts, XFT_CONFIG } from './xft-files.ts';
import { writeMemo } from '../cache/memo.ts';
import type { CustomModelFacts, CustomModelOptions } from './custom-model-options.ts';
import { refusePickle } from '../formats/pickle.ts';
import { openFile } from '../formats/read-at.ts';
import { recordVerified } from '../cache/verified.ts';

/**
 * A GGUF file of this machine, named by any part where it is split, or a folder with OpenVINO IR or with files of
 * xFasterTransformer. They stay where they are: the cache gets links to them and records of their checksums, which are
 * computed once and again whenever size or time of a file change.
 */
export async function resolveLocalModel({ text, cacheDir, signal }: CustomModelOptions): Promise<CustomModelFacts> {
  const { folder, names } = await findFiles(resolve(text), text);
  const [first] = names as [string];
  const isFolder = names.includes(IR) || isXft(names);
  const id = `${LOCAL_OWNER}/${toLocalName(isFolder ? folderName(folder) : toGgufStem(first))}`;
  const { shape, options } = await readFacts(folder, names, text);

  const root = placeOf(cacheDir, { id } as ModelEntry, '', []).root;
  const files: ModelFile[] = [];
  let created = 0;
  for (const name of names) {
    const path = join(folder, name);
    const { size, mtimeMs } = await stat(path);
    const sha256 = await checksumOf(path, `${size} ${mtimeMs}`, root, signal);
    files.push({ path: name, size, sha256, sources: [`file:${path}`] });
    created = Math.max(created, Math.floor(mtimeMs / 1000));
  }
  const facts: CustomModelFacts = {
    id,
    licence: 'LicenseRef-unstated',
    created,
    shape,
    files,
    ...(options && { options }),
  };
  await linkInto(cacheDir, facts);
  return facts;
}

async function readFacts(
  folder: string,
  names: readonly string[],
  text: string,
): Promise<Pick<CustomModelFacts, 'shape' | 'options'>> {
  if (isXft(names)) return readXftFacts(folder, text);
  if (names.includes(IR)) return readIrShape(folder, text);
  const path = join(folder, names[0]!);
  return openFile(path, (readAt) => readGguf(readAt, path));
}

async function findFiles(path: string, text: string): Promise<{ folder: string; names: readonly string[] }> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new ModelFetchError(`XIM_MODEL=${text}: there is no such file or folder (${path})`);
  if (found.isFile()) return { folder: dirname(path), names: await partsOf(path, text) };
  const names = (await readdir(path)).sort();
  const [only, ...others] = names.filter((name) => /\.gguf$/i.test(name) && !isLaterPart(name));
  if (only !== undefined && others.length === 0) return { folder: path, names: await partsOf(join(path, only), text) };
  if (names.includes(IR) || isXft(names)) return { folder: path, names: await plainFiles(path, names) };
  const what =
    only !== undefined
      ? `several GGUF files (${[only, ...others].join(', ')}); name one of them`
      : names.some((name) => name.endsWith('.safetensors'))
        ? `safetensors, which are converted first: npx xim-models convert models.json --task generate --from ${path}. ` +
          'The folder that it prints can be named here'
        : `neither a GGUF file nor ${IR} nor ${XFT_CONFIG} (it has: ${names.slice(0, 10).join(', ') || 'nothing'})`;
  throw new ModelFetchError(`XIM_MODEL=${text}: the folder holds ${what}`);
}

/** All parts of a GGUF file; refuses a file with missing parts. */
async function partsOf(path: string, text: string): Promise<readonly string[]> {
  const parts = toGgufParts(path);
  const found = await Promise.all(parts.map((part) => stat(part).catch(() => undefined)));
  const missing = parts.filter((_, i) => !found[i]?.isFile()).map((part) => basename(part));
  if (missing.length === 0) return parts.map((part) => basename(part));
  throw new ModelFetchError(
    `XIM_MODEL=${text} is one of ${parts.length} parts, and ${missing.join(', ')} is not beside it; expected all parts in one folder`,
  );
}

async function plainFiles(folder: string, names: readonly string[]): Promise<string[]> {
  const stats = await Promise.all(names.map((name) => stat(join(folder, name))));
  // An empty file has no content to verify.
  return names.filter((name, index) => stats[index]!.isFile() && stats[index]!.size > 0 && !name.startsWith('.'));
}

/** From the configuration that Transformers and every export keep beside the model. */
async function readIrShape(folder: string, text: string): Promise<Pick<CustomModelFacts, 'shape'>> {
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8').catch(() => 'null')) as Record<
    string,
    number | undefined
  > | null;
  const {
    max_position_embeddings: contextLength,
    num_hidden_layers: layers,
    num_attention_heads: heads,
  } = config ?? {};
  const kvHeads = config?.['num_key_value_heads'] ?? heads;
  const headDim = config?.['head_dim'] ?? (config?.['hidden_size'] ?? NaN) / (heads ?? NaN);
  if (!contextLength || !layers || !kvHeads || !Number.isInteger(headDim)) {
    throw new ModelFetchError(
      `XIM_MODEL=${text}: the folder has no config.json that tells layers, heads and context of a language model; ` +
        'expected the one that the model was exported with',
    );
  }
  return { shape: { contextLength, layers, kvHeads, headDim } };
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
        await mkdir(place.snapshot, { recursive: true });
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
