import { join } from 'node:path';
import { formatBytes } from '@xim/model-cache';
import { forgetVerified, hashFile, isPresent, placeOf, recordVerified } from '@xim/model-cache/internal';
import { attempt, type Command, type Context, forEachModel, type Listed, UsageError } from './command.ts';
import { verifyRemote } from './verify-remote.ts';

export const verify: Command = {
  summary: 'hash again what is in the cache, or compare models.json with the hub',
  usage: `FILE… [--remote [--write]]

Hashes every cached file of every artifact. A damaged one is named, and fetched anew by the next pull; a missing one
is named too. Exit code 1 when anything is damaged or missing.

  --remote           ask the hub whether the files of the "hf:" sources are those of models.json, and for the licence
  --write            with --remote, for entries that are as the hub says: record the commit, remove "hub": "unverified"`,
  options: { remote: { type: 'boolean' }, write: { type: 'boolean' } },
  files: true,
  async run(context) {
    if (context.values['write'] === true && context.values['remote'] !== true) {
      throw new UsageError('expected --write only together with --remote');
    }
    if (context.values['remote'] !== true)
      return (await forEachModel(context, (listed) => check(listed, context))).flat();
    if (context.offline) throw new UsageError('verify --remote asks the hub, and XIM_OFFLINE=1 forbids it');
    const results: unknown[] = [];
    for (const file of context.args) {
      await attempt(context, async () => void results.push(...(await verifyRemote(file, context))));
    }
    return results;
  },
};

async function check({ file, role, model }: Listed, context: Context) {
  const results = [];
  for (const [artifact, { files }] of Object.entries(model.artifacts)) {
    const place = placeOf(context.cacheDir, model, artifact, files);
    for (const one of files) {
      const path = join(place.snapshot, one.path);
      const state = (await isPresent(place, one))
        ? (await hashFile(path, context.signal)) === one.sha256
          ? 'good'
          : 'damaged'
        : 'missing';
      if (state === 'good') await recordVerified(place.root, path, one.sha256);
      else await forgetVerified(place.root, one.sha256);
      context.say(`${state.padEnd(7)}  ${model.id}  ${artifact}  ${one.path}  ${formatBytes(one.size)}`);
      if (state !== 'good') context.fail(`${one.path} of ${model.id} is ${state}; run: npx xim-models pull ${file}`);
      results.push({ file, role, id: model.id, artifact, path: one.path, size: one.size, sha256: one.sha256, state });
    }
  }
  return results;
}
