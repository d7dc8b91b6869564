import type { Companion, Host, ModelEntry, Profile } from '@xim/engine';
import { ServiceStartError } from '../errors/errors.ts';

/** The other roles of a lock file, each with the profile by which `engine` runs it. */
export type CompanionChoice = Readonly<Record<string, { readonly model: ModelEntry; readonly profile: Profile }>>;

/** Throws ServiceStartError where the engine cannot run one of them on this host. */
export function chooseCompanions(
  models: Readonly<Record<string, ModelEntry>>,
  engine: string,
  host: Host,
): CompanionChoice {
  const others = Object.entries(models).filter(([role]) => role !== 'main');
  return Object.fromEntries(
    others.map(([role, model]) => {
      const profile = model.profiles.find(
        (one) => one.engine === engine && one.isa.every((isa) => host.isa.includes(isa)),
      );
      if (profile === undefined) {
        throw new ServiceStartError(
          `[server] The model ${model.id} (role "${role}") has no profile that the engine "${engine}" can run on this host; add one to models.json, or take another engine.`,
        );
      }
      return [role, { model, profile }];
    }),
  );
}

/** The companions with the folders of their files. */
export async function fetchCompanions(
  chosen: CompanionChoice,
  fetch: (model: ModelEntry, profile: Profile) => Promise<string>,
): Promise<Readonly<Record<string, Companion>>> {
  const fetched: Record<string, Companion> = {};
  // One after the other: each tells its progress.
  for (const [role, { model, profile }] of Object.entries(chosen)) {
    fetched[role] = { model, profile, modelPath: await fetch(model, profile) };
  }
  return fetched;
}
