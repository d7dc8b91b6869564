// The lock file.
export { readModels } from './models-file.ts';
export type { Models } from './models-file.ts';

// Bringing a model's files into the cache.
export { fetchArtifact } from './fetch-artifact.ts';
export type { FetchOptions } from './fetch-artifact.ts';
export type { FetchProgress } from './sources.ts';

// For people.
export { createProgressFormatter, formatBytes } from './format-progress.ts';

// Errors.
export { ModelFetchError, ModelsFileError } from './errors.ts';
export type { ModelsFileProblem } from './errors.ts';
