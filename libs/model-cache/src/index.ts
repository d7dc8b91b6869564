// The lock file.
export { readModels } from './models-file.ts';
export type { Models } from './models-file.ts';

// Bringing a model's files into the cache.
export { fetchArtifact } from './fetch-artifact.ts';
export type { FetchOptions } from './fetch-artifact.ts';
export type { FetchProgress } from './sources/source.ts';

// What a model's files recommend.
export { readSampling } from './read-sampling.ts';
export type { ReadSampling } from './read-sampling.ts';

// A model that the user names.
export { resolveCustomModel } from './custom-model.ts';
export type { CustomModelOptions } from './custom-model-options.ts';

// Where the cache is and how the hub is reached, from the environment.
export { expandHome, isHubOffline, toCacheDir, toHub, toTokenFile } from './hub-settings.ts';
export { checkNetwork, toNetwork } from './network.ts';
export type { Hub } from './hub-settings.ts';
export type { Network } from './network.ts';

// For people.
export { createProgressFormatter, formatBytes } from './format-progress.ts';

// Errors.
export { ModelFetchError, ModelsFileError } from './errors.ts';
export type { ModelsFileProblem } from './errors.ts';
