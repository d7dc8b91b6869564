import { resolve } from 'node:path';
import { formatBytes } from '@xim/model-cache';
import { pack } from '../archive/archive.ts';
import { type Command, forEachModel, usedArtifacts, UsageError } from './command.ts';

export const exportModels: Command = {
  summary: 'write what is cached into one tar, for a machine without a network',
  usage: `FILE… --to TAR

Takes what the profiles of every role use; all of it must be in the cache. On the other machine:
xim-models import TAR

  --to TAR           the archive to write; one that exists is replaced when the new one is complete`,
  options: { to: { type: 'string' } },
  files: true,
  async run(context) {
    const { to } = context.values;
    if (typeof to !== 'string') throw new UsageError('expected --to TAR, the archive to write');
    let failed = false;
    const packed = await forEachModel(
      { ...context, fail: (message) => ((failed = true), context.fail(message)) },
      async ({ model }) => usedArtifacts(model).map((artifact) => ({ model, artifact })),
    );
    if (failed) return undefined;
    const tar = resolve(to);
    const { bytes } = await pack(tar, context.cacheDir, packed.flat());
    context.say(`${tar}  ${formatBytes(bytes)}`);
    return { tar, bytes, artifacts: packed.flat().map(({ model, artifact }) => ({ id: model.id, artifact })) };
  },
};
