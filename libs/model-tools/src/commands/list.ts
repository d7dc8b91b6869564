import { formatBytes } from '@xim/model-cache';
import { missingFiles, placeOf } from '@xim/model-cache/internal';
import { type Command, forEachModel } from './command.ts';

export const list: Command = {
  summary: 'show roles, models, licences, sizes and what is in the cache',
  usage: 'FILE…\n\nNothing is fetched and nothing is hashed.',
  files: true,
  run: (context) =>
    forEachModel(context, async ({ file, role, model }) => {
      const marks = [model.gated === true && 'gated', model.hub === 'unverified' && 'hub unverified'].filter(Boolean);
      context.say(`${role}: ${[model.id, model.task, model.licence, ...marks].join('  ')}`);
      const artifacts = [];
      for (const [artifact, { files }] of Object.entries(model.artifacts)) {
        const place = placeOf(context.cacheDir, model, artifact, files);
        const there = files.length - (await missingFiles(place)).length;
        const bytes = files.reduce((sum, { size }) => sum + size, 0);
        const state = there === files.length ? 'in the cache' : `${there} of ${files.length} files`;
        context.say(`  ${artifact}  ${formatBytes(bytes)}  ${state}`);
        artifacts.push({ artifact, bytes, files: files.length, cached: there, folder: place.snapshot });
      }
      const { id, revision, task, licence, gated = false, hub } = model;
      return { file, role, id, revision, task, licence, gated, hub, artifacts };
    }),
};
