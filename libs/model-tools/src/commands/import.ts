import { unpack } from '../archive/archive.ts';
import { attempt, type Command, UsageError } from './command.ts';

export const importModels: Command = {
  summary: 'bring what export wrote into the cache, every checksum checked',
  usage: `TAR…

An archive that holds anything but the files of a model cache, or a content that is not what its name says, is refused,
and the cache stays as it was.`,
  files: false,
  async run(context) {
    if (context.args.length === 0) throw new UsageError('expected the path of an archive after import');
    const folders: string[] = [];
    for (const tar of context.args) {
      await attempt(context, async () => void folders.push(...(await unpack(tar, context.cacheDir, context.signal))));
    }
    for (const folder of folders) context.say(folder);
    return folders;
  },
};
