// For @xim/model-tools, which writes lock files and works on the cache. Not stable: both packages are released together.

// The cache.
export {
  hasSize,
  isComplete,
  isPresent,
  lockOf,
  missingFiles,
  placeOf,
  removePartial,
  repoFolder,
} from './cache/cache-layout.ts';
export { createOnce, showBlob } from './cache/links.ts';
export { toLocalName } from './cache/local-name.ts';
export { writeMemo } from './cache/memo.ts';
export { withLock } from './cache/lock.ts';
export { storeBlob } from './cache/store-blob.ts';
export { forgetVerified, isVerified, recordVerified } from './cache/verified.ts';

// The hub.
export { hubFiles } from './hub/hub-files.ts';
export { listRepo, toFacts } from './hub/hub-listing.ts';
export type { FileFacts, HubListing } from './hub/hub-listing.ts';
export { matchFiles } from './hub/match-files.ts';
export { toHubReference } from './hub/hub-reference.ts';
export type { HubReference } from './hub/hub-reference.ts';
export { findClone } from './hub/hub-settings.ts';
export { lockFiles } from './hub/lock-entry.ts';
export { toSpdx } from './hub/spdx.ts';

// Models that users name.
export { localFiles } from './custom-model/local-files.ts';
export { refuseUnreadable } from './custom-model/refuse-unreadable.ts';

// The lock file.
export { readOpenModels } from './models-json/models-file.ts';
export { MODELS_SCHEMA, pathProblem } from './models-json/models-schema.ts';

// A model that the user names.
export { isPath } from './custom-model/is-path.ts';
export { needsConversion } from './custom-model/needs-conversion.ts';

// Formats.
export { chooseGguf } from './formats/choose-gguf.ts';

// Sources.
export { childEnvironment, userEnvironment } from './sources/child-environment.ts';
export { isConverted } from './sources/converted.ts';
export { createRun } from './sources/fetch-run.ts';
export { findSource, sourceProblem } from './sources/find-source.ts';
export type { FetchRun } from './sources/source.ts';

// Transfers.
export { ensureSpace } from './transfer/disk-space.ts';
export { hashFile } from './transfer/hash-file.ts';
