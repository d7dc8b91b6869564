import type { EngineFactory, ModelEntry, Profile } from '@xim/engine';
import type { Hub } from '../hub/hub-settings.ts';

export interface CustomModelOptions {
  /** `org/name[@revision][#file.gguf]` on the hub, or the path of a GGUF file, or of a folder with one, with OpenVINO IR, or with files of xFasterTransformer. */
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
