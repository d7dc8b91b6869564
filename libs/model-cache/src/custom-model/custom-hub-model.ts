import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { repoFolder } from '../cache/cache-layout.ts';
import { writeMemo } from '../cache/memo.ts';
import { ModelFetchError } from '../errors.ts';
import { hubFiles } from '../hub/hub-files.ts';
import { listRepo } from '../hub/hub-listing.ts';
import type { HubReference } from '../hub/hub-reference.ts';
import { lockFiles } from '../hub/lock-entry.ts';
import { modelEntry } from '../models-json/models-schema.ts';
import { hashFile } from '../transfer/hash-file.ts';
import { chooseFormat, formatsOf } from './choose-format.ts';
import type { CustomModelFacts, CustomModelOptions, ResolvedModel } from './custom-model-options.ts';
import { localFiles } from './local-files.ts';

const COMMIT = /^[0-9a-f]{40}$/;

const { id, revision, licence, gated, created, artifacts, shape } = modelEntry.unwrap().shape;
const recorded = z.strictObject({
  ...{ id, revision, licence, gated, created, shape },
  files: artifacts.unwrap().valueType.unwrap().shape.files,
  options: z.record(z.string(), z.unknown()).optional(),
  /** Name of the format; absent: GGUF. */
  format: z.string().optional(),
});

/** Resolves a model of the hub: by the record of an earlier start, else the hub, else files of the hub's tools. */
export async function resolveHubModel(reference: HubReference, options: CustomModelOptions): Promise<ResolvedModel> {
  const { task } = options.shipped;
  const root = join(options.cacheDir, repoFolder(reference.repo));
  const record = recordOf(root, reference, task);
  const known = recorded.safeParse(JSON.parse(await readFile(record, 'utf8').catch(() => 'null')));
  if (known.success) {
    const { format: named = 'gguf', ...facts } = known.data;
    const format = formatsOf(task).find((one) => one.name === named);
    if (format !== undefined) return { facts, format };
  }

  const found = options.offline ? await fromCache(reference, root, options) : await askHub(reference, options);
  const { facts, format } = found;
  await writeMemo(record, JSON.stringify({ ...facts, ...(format.name !== 'gguf' && { format: format.name }) }));
  if (!options.offline) await recordReference(root, reference.revision, facts.revision);
  return found;
}

/** A repository may serve several tasks, with other files for each. */
function recordOf(root: string, { revision, path = '' }: HubReference, task: string): string {
  const name = encodeURIComponent(`${revision}#${path}`);
  return join(root, '.xim', 'entries', task === 'generate' ? name : `${task} ${name}`);
}

/** Whether the model was resolved by an earlier start. */
export async function isRecorded(root: string, reference: HubReference, task: string): Promise<boolean> {
  return (await stat(recordOf(root, reference, task)).catch(() => undefined)) !== undefined;
}

/** Records the commit of the requested branch or tag, unless the hub's tools have recorded it. */
async function recordReference(root: string, asked: string, commit: string | undefined): Promise<void> {
  const path = join(root, 'refs', asked);
  if (commit === undefined || asked === commit || (await stat(path).catch(() => undefined))) return;
  await writeMemo(path, commit);
}

async function askHub(
  reference: HubReference,
  { hub, signal, shipped, engines }: CustomModelOptions,
): Promise<ResolvedModel> {
  const listing = await listRepo(hub, reference, signal);
  const files = hubFiles(hub, listing, signal);
  const { format, chosen } = chooseFormat(files, reference.path, shipped.task, engines);
  const found = await format.readFacts(files, chosen);
  const wanted = [...chosen.values()].map((path) => listing.files.find((file) => file.path === path)!);
  const { files: locked, ...facts } = await lockFiles(hub, listing, wanted, signal);
  const names = [...chosen.keys()];
  const own = locked.map((file, i) => ({
    ...file,
    path: names[i]!,
    sources: names[i] === file.path ? file.sources : [`${file.sources[0]}#${file.path}`],
  }));
  return { facts: { ...facts, ...found, files: own }, format };
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
async function fromCache(reference: HubReference, root: string, options: CustomModelOptions): Promise<ResolvedModel> {
  const { repo } = reference;
  const { text, cacheDir, shipped, engines, signal } = options;
  const ref = await readFile(join(root, 'refs', reference.revision), 'utf8').catch(() => reference.revision);
  const commit = ref.trim();
  const snapshot = join(root, 'snapshots', commit);
  const isThere = (await stat(snapshot).catch(() => undefined)) !== undefined && COMMIT.test(commit);
  if (!isThere) {
    const asked = reference.revision === 'main' ? '' : ` --revision ${reference.revision}`;
    const files = reference.path ?? (shipped.task === 'generate' ? "--include '*Q4_K_M.gguf'" : '');
    throw new ModelFetchError(
      `${reference.path ?? 'a model'} of ${text} is not in the model cache ${cacheDir} ` +
        `at the revision ${reference.revision}, and XIM_OFFLINE forbids to fetch it. ${await sayRevisions(root)}Where ` +
        'there is a network, start the service once without XIM_OFFLINE, or run: ' +
        ['hf download', repo, files, asked.trim(), '--cache-dir', cacheDir].filter(Boolean).join(' '),
    );
  }
  const files = await localFiles(snapshot, text, (name) => `${repo}#${name}`);
  const { format, chosen } = chooseFormat(files, reference.path, shipped.task, engines);
  const found = await format.readFacts(files, chosen);
  const own: CustomModelFacts['files'][number][] = [];
  let created = 0;
  for (const [path, from] of chosen) {
    const { size, mtimeMs } = await stat(join(snapshot, from));
    const sha256 = await hashFile(join(snapshot, from), signal);
    const source = `hf:${repo}@${commit}${path === from ? '' : `#${from}`}`;
    own.push({ path, size, sha256, sources: [source] });
    created ||= Math.floor(mtimeMs / 1000);
  }
  const facts = { id: repo, revision: commit, licence: 'LicenseRef-unstated', created, ...found, files: own };
  return { facts, format };
}
