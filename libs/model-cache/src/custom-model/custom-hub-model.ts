import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { repoFolder } from '../cache/cache-layout.ts';
import { chooseGguf } from '../hub/choose-files.ts';
import { ModelFetchError } from '../errors.ts';
import { readGguf } from '../formats/gguf.ts';
import { hashFile } from '../transfer/hash-file.ts';
import { type HubListing, listRepo } from '../hub/hub-listing.ts';
import { writeMemo } from '../cache/memo.ts';
import { lockFiles, readRemoteGguf } from '../hub/lock-entry.ts';
import { modelEntry } from '../models-json/models-schema.ts';
import type { CustomModelFacts, CustomModelOptions } from './custom-model-options.ts';
import type { HubReference } from '../hub/hub-reference.ts';
import { openFile } from '../formats/read-at.ts';

const COMMIT = /^[0-9a-f]{40}$/;

const { id, revision, licence, gated, created, artifacts, shape } = modelEntry.unwrap().shape;
const recordedFacts = z.strictObject({
  ...{ id, revision, licence, gated, created, shape },
  files: artifacts.unwrap().valueType.unwrap().shape.files,
});

/** Resolves a model of the hub: by the record of an earlier start, else the hub, else files of the hub's tools. */
export async function resolveHubModel(reference: HubReference, options: CustomModelOptions): Promise<CustomModelFacts> {
  const root = join(options.cacheDir, repoFolder(reference.repo));
  const record = join(root, '.xim', 'entries', encodeURIComponent(`${reference.revision}#${reference.path ?? ''}`));
  const known = recordedFacts.safeParse(JSON.parse(await readFile(record, 'utf8').catch(() => 'null')));
  if (known.success) return known.data;

  const facts = options.offline ? await fromCache(reference, root, options) : await askHub(reference, options);
  await writeMemo(record, JSON.stringify(facts));
  if (!options.offline) await recordReference(root, reference.revision, facts.revision);
  return facts;
}

/** Records the commit of the requested branch or tag, unless the hub's tools have recorded it. */
async function recordReference(root: string, asked: string, commit: string | undefined): Promise<void> {
  const path = join(root, 'refs', asked);
  if (commit === undefined || asked === commit || (await stat(path).catch(() => undefined))) return;
  await writeMemo(path, commit);
}

async function askHub(reference: HubReference, { hub, signal }: CustomModelOptions): Promise<CustomModelFacts> {
  const listing = await listRepo(hub, reference, signal);
  const files = chooseGguf(listing, reference.path);
  const { shape } = await readRemoteGguf(hub, listing, files[0]!.path, signal);
  return { ...(await lockFiles(hub, listing, files, signal)), shape };
}

/** The revisions of a model that are in the cache, as a sentence; empty where there are none. */
async function sayRevisions(root: string): Promise<string> {
  const refs = await readdir(join(root, 'refs'), { recursive: true, withFileTypes: true }).catch(() => []);
  const named = refs
    .filter((entry) => entry.isFile())
    .map(({ name, parentPath }) => relative(join(root, 'refs'), join(parentPath, name)));
  const commits = (await readdir(join(root, 'snapshots')).catch(() => [])).filter((name) => COMMIT.test(name));
  const all = [...named, ...commits].sort();
  return all.length === 0 ? '' : `The cache has the revisions ${all.join(', ')}; one is named as org/name@revision. `;
}

/** Offline, files of `hf download` in the cache serve as well, after their content was hashed. */
async function fromCache(
  reference: HubReference,
  root: string,
  options: CustomModelOptions,
): Promise<CustomModelFacts> {
  const { repo } = reference;
  const ref = await readFile(join(root, 'refs', reference.revision), 'utf8').catch(() => reference.revision);
  const commit = ref.trim();
  const snapshot = join(root, 'snapshots', commit);
  const names = await readdir(snapshot, { recursive: true }).catch(() => undefined);
  if (names === undefined || !COMMIT.test(commit)) {
    const asked = reference.revision === 'main' ? '' : ` --revision ${reference.revision}`;
    throw new ModelFetchError(
      `${reference.path ?? 'A GGUF file'} of XIM_MODEL=${options.text} is not in the model cache ${options.cacheDir} ` +
        `at the revision ${reference.revision}, and XIM_OFFLINE forbids to fetch it. ${await sayRevisions(root)}Where ` +
        'there is a network, start the service once without XIM_OFFLINE, or run: ' +
        `hf download ${repo} ${reference.path ?? "--include '*Q4_K_M.gguf'"}${asked} --cache-dir ${options.cacheDir}`,
    );
  }
  const files = names.map((path) => ({ path, size: 0, sha256: undefined, gitId: undefined }));
  const listing: HubListing = { repo, commit, gated: false, licence: undefined, created: 0, files };
  const parts = chooseGguf(listing, reference.path).map(({ path }) => path);
  const first = join(snapshot, parts[0]!);
  const { mtimeMs } = await stat(first);
  const { shape } = await openFile(first, (readAt) => readGguf(readAt, first));
  const own: CustomModelFacts['files'][number][] = [];
  for (const path of parts) {
    const { size } = await stat(join(snapshot, path));
    const sha256 = await hashFile(join(snapshot, path), options.signal);
    own.push({ path, size, sha256, sources: [`hf:${repo}@${commit}`] });
  }
  return {
    id: repo,
    revision: commit,
    licence: 'LicenseRef-unstated',
    created: Math.floor(mtimeMs / 1000),
    shape,
    files: own,
  };
}
