import { readFileSync } from 'node:fs';
import type { ModelEntry, ModelFile } from '@xim/engine';
import { readModels } from '@xim/model-cache';
import { type HubListing, isConverted, listRepo, toFacts, toHubReference, toSpdx } from '@xim/model-cache/internal';
import { writeModels } from '../models-json/record-facts.ts';
import { attempt, type Context } from './command.ts';

interface Compared {
  readonly file: string;
  readonly role: string;
  readonly id: string;
  /** The differences to the hub; empty when the entry is right. */
  readonly differences: readonly string[];
  /** The repository of the model, where it is compared. */
  readonly commit: string | undefined;
}

/** Compares a models.json with the hub, and with `--write` records the facts of the hub. */
export async function verifyRemote(file: string, context: Context): Promise<Compared[]> {
  const raw = JSON.parse(readFileSync(file, 'utf8')) as { models: Record<string, Record<string, unknown>> };
  const results: Compared[] = [];
  let changed = false;
  for (const [role, model] of Object.entries(readModels(file).models)) {
    await attempt(context, async () => {
      const { differences, commit } = await compare(model, context);
      results.push({ file, role, id: model.id, differences, commit });
      if (differences.length > 0) {
        for (const difference of differences) context.say(`differs  ${model.id}  ${difference}`);
        context.fail(`${role} of ${file} is not what the hub has; correct it, or run: npx xim-models lock`);
        return;
      }
      context.say(`good     ${model.id}${commit === undefined ? '' : `  ${commit}`}`);
      if (context.values['write'] !== true) return;
      const { id, revision, hub: _, ...rest } = raw.models[role]!;
      const known = commit ?? revision;
      raw.models[role] = { id, ...(known !== undefined && { revision: known }), ...rest };
      changed = true;
    });
  }
  if (changed) await writeModels(file, raw);
  return results;
}

async function compare(model: ModelEntry, { hub, signal }: Context) {
  const listings = new Map<string, Promise<HubListing>>();
  const list = (repo: string, revision: string): Promise<HubListing> => {
    const key = `${repo}@${revision}`;
    const listing = listings.get(key) ?? listRepo(hub, { repo, revision }, signal);
    listings.set(key, listing);
    return listing;
  };
  const own = await list(model.id, model.revision ?? 'main');
  const differences: string[] = [];
  const licence = toSpdx(own.licence);
  if (licence !== undefined && licence !== model.licence) {
    differences.push(`the licence is ${licence} on the hub, ${model.licence} here`);
  }
  if (own.gated !== (model.gated ?? false)) differences.push(`the hub says gated: ${own.gated}`);
  let inOwn = true;
  for (const { files } of Object.values(model.artifacts)) {
    if (isConverted(files)) continue;
    for (const file of files) {
      const references = file.sources.flatMap((text) =>
        text.startsWith('hf:') ? (toHubReference(text.slice(3)) ?? []) : [],
      );
      inOwn &&= references.some(({ repo }) => repo === model.id);
      for (const { repo, revision, path = file.path } of references) {
        const listing = await list(repo, repo === model.id ? own.commit : revision);
        const problem = await differenceOf(file, listing, path, { hub, signal });
        if (problem !== undefined) differences.push(problem);
      }
    }
  }
  // A commit says something about the files only where they are the repository's own.
  return { differences, commit: inOwn ? own.commit : undefined };
}

async function differenceOf(
  file: ModelFile,
  listing: HubListing,
  path: string,
  { hub, signal }: Pick<Context, 'hub' | 'signal'>,
): Promise<string | undefined> {
  if (!listing.files.some((one) => one.path === path)) return `${listing.repo} has no ${path}`;
  const { size, sha256 } = await toFacts(hub, listing, path, signal);
  if (size === file.size && sha256 === file.sha256) return undefined;
  return `${path} of ${listing.repo} has ${size} bytes and sha256 ${sha256}; here ${file.size} and ${file.sha256}`;
}
