// The lock file.
export { readModels } from './models-json/models-file.ts';
export type { Models } from './models-json/models-file.ts';

// Bringing a model's files into the cache.
export { fetchArtifact } from './cache/fetch-artifact.ts';
export type { FetchOptions } from './cache/fetch-artifact.ts';
export type { FetchProgress } from './transfer/format-progress.ts';

// What a model's files recommend.
export { readSampling } from './models-json/read-sampling.ts';
export type { ReadSampling } from './models-json/read-sampling.ts';

// A model that the user names.
export { resolveCustomModel } from './custom-model/custom-model.ts';
export type { CustomModelOptions } from './custom-model/custom-model-options.ts';

// Where the cache is and how the hub is reached, from the environment.
export { expandHome, isHubOffline, toCacheDir, toHub, toTokenFile } from './hub/hub-settings.ts';
export { checkNetwork, toNetwork } from './transfer/network.ts';
export type { Hub } from './hub/hub-settings.ts';
export type { Network } from './transfer/network.ts';

// For people.
export { createProgressFormatter, formatBytes } from './transfer/format-progress.ts';

// Errors.
export { ModelFetchError, ModelsFileError } from './errors.ts';
export type { ModelsFileProblem } from './errors.ts';
