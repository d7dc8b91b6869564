import { resolve } from 'node:path';
import { fetchArtifact } from '@xim/model-cache';
import { readOpenModels } from '@xim/model-cache/internal';
import { recordFacts } from '../models-json/record-facts.ts';
import { attempt, type Command, type Context, forEachModel, usedArtifacts } from './command.ts';

export const pull: Command = {
  summary: 'fetch what the profiles of every role use; print a folder per artifact',
  usage: `FILE… [--artifact NAME]

A file without size and sha256 is looked up at a source that states them, and both are written into FILE.

  --artifact NAME    only this set of files`,
  options: { artifact: { type: 'string' } },
  files: true,
  async run(context) {
    for (const file of context.args) await attempt(context, () => complete(file, context));
    const pulled = await forEachModel(context, async ({ file, role, model }) => {
      const folders = [];
      for (const artifact of usedArtifacts(model)) {
        if (context.values['artifact'] !== undefined && context.values['artifact'] !== artifact) continue;
        const { onProgress, end } = context.progress();
        try {
          const { cacheDir, python, offline, hub, signal } = context;
          const onSkip = (sentence: string): void => {
            end();
            context.note(sentence);
          };
          const advice = `run: npx xim-models pull ${file} --cache ${cacheDir}`;
          const options = { cacheDir, python, offline, hub, signal, advice, onProgress, onSkip };
          const folder = await fetchArtifact({ ...options, model, artifact });
          end();
          context.say(folder);
          folders.push({ file, role, id: model.id, artifact, folder });
        } finally {
          end();
        }
      }
      return folders;
    });
    return pulled.flat();
  },
};

/** Ignores an unreadable file: the next step reports its fault. */
async function complete(file: string, context: Context): Promise<void> {
  const open = (): boolean =>
    Object.values(readOpenModels(file).models).some((model) =>
      Object.values(model.artifacts).some(({ files }) => files.some(({ sha256 }) => sha256 === undefined)),
    );
  let incomplete: boolean;
  try {
    incomplete = open();
  } catch {
    return;
  }
  if (!incomplete) return;
  const { onProgress, end } = context.progress();
  try {
    const recorded = await recordFacts(resolve(file), { ...context, onProgress });
    end();
    context.note(`recorded size and sha256 of ${recorded.join(', ')} in ${file}`);
  } finally {
    end();
  }
}
