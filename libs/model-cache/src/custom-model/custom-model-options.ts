import type { EngineFactory, ModelEntry, Profile } from '@xim/engine';
import type { Hub } from '../hub/hub-settings.ts';
import type { ModelFormat } from './model-format.ts';

export interface CustomModelOptions {
  /** `org/name[@revision][#file]` on the hub, or the path of a file or folder. */
  readonly text: string;
  /** The service's own entry: its task, aliases and profiles are kept. */
  readonly shipped: ModelEntry;
  /** The engines of the service, best first, with the formats that they load. */
  readonly engines: readonly Pick<EngineFactory, 'name' | 'formats'>[];
  readonly cacheDir: string;
  readonly hub: Hub;
  readonly offline: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The facts about a model that no lock file describes. */
export type CustomModelFacts = Pick<ModelEntry, 'id' | 'revision' | 'licence' | 'gated' | 'created' | 'shape'> & {
  readonly files: ModelEntry['artifacts'][string]['files'];
  /** Options that the files themselves decide; they go before those of the service's profile. */
  readonly options?: Profile['options'];
};

export interface ResolvedModel {
  readonly facts: CustomModelFacts;
  readonly format: Pick<ModelFormat, 'name' | 'modelOptions'>;
}
