import type { ModelEntry, Profile } from '@xim/engine';
import { formatBytes } from './bytes.ts';
import type { Decision } from './decision.ts';

/** Weights in memory per byte of files: runtimes repack them, and some hold the embedding table unpacked. */
const repacking = 1.5;

/** Bytes of weights in memory: what the caller knows, else what the model says, else from the sizes of its files. */
export function planWeights(model: ModelEntry, profile: Profile, weightBytes: number | undefined): Decision {
  const known = weightBytes ?? model.shape.weightBytes;
  if (known !== undefined) return { value: known, shown: formatBytes(known), reason: 'weights in memory, as stated' };
  const files = profile.artifact === undefined ? [] : (model.artifacts[profile.artifact]?.files ?? []);
  const stored = files.reduce((sum, file) => sum + file.size, 0);
  if (stored === 0) return { value: 0, shown: 'none', reason: 'the profile has no files' };
  const value = Math.ceil(stored * repacking);
  const reason = `${formatBytes(stored)} of files × ${repacking}, since runtimes repack weights`;
  return { value, shown: formatBytes(value), reason };
}
