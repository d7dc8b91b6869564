import { resolve } from 'node:path';
import type { ModelEntry } from '@xim/engine';
import { chooseGguf, hubFiles, listRepo, lockFiles, matchFiles, toHubReference } from '@xim/model-cache/internal';
import { readEntry, TASKS, writeEntry } from '../models-json/write-entry.ts';
import { attempt, type Command, type Context, UsageError } from './command.ts';

export const lock: Command = {
  summary: 'resolve a model on the hub to files, sizes, checksums and licence, and write its entry',
  usage: `FILE --from org/name[@revision] [--files PATTERN]…

Writes the role's entry into FILE, which is made where there is none. An entry of the role that is there keeps its task,
aliases, profiles and other artifacts.

  --from MODEL       the repository on the hub; without a revision the newest commit of main
  --files PATTERN    which of its files; * stands for anything within a folder. Default: one GGUF file of four bits
  --role ROLE        default: main
  --artifact NAME    name of the set of files; default: from the files
  --task TASK        ${TASKS.join(', ')}; expected for a role that is new
  --engine NAME      an engine that takes these files, may stand several times; expected for a role that is new
  --isa NAME         an instruction set that they need, may stand several times; default: avx2`,
  options: {
    from: { type: 'string' },
    files: { type: 'string', multiple: true },
    role: { type: 'string', default: 'main' },
    artifact: { type: 'string' },
    task: { type: 'string' },
    engine: { type: 'string', multiple: true },
    isa: { type: 'string', multiple: true, default: ['avx2'] },
  },
  files: true,
  async run(context) {
    const { from, role } = context.values as { from?: string; role: string };
    const reference = from === undefined ? undefined : toHubReference(from.replace(/^hf:/, ''));
    if (!reference) throw new UsageError('expected --from org/name[@revision], a model of the hub');
    if (context.args.length !== 1) throw new UsageError('expected one models.json after lock');
    if (context.offline) throw new UsageError('lock asks the hub, and XIM_OFFLINE=1 forbids it');
    const file = resolve(context.args[0]!);
    const before = readEntry(file, role);
    assertComplete(context, before);

    let entry: ModelEntry | undefined;
    await attempt(context, async () => {
      const listing = await listRepo(context.hub, reference, context.signal);
      const patterns = context.values['files'] as string[] | undefined;
      const named = reference.path === undefined ? patterns : [reference.path];
      const isGguf = reference.path !== undefined && /\.gguf$/i.test(reference.path);
      const all = hubFiles(context.hub, listing, context.signal);
      const chosen = named === undefined || isGguf ? chooseGguf(all, reference.path) : named;
      const files = matchFiles(listing, chosen);
      const { files: locked, ...facts } = await lockFiles(context.hub, listing, files, context.signal);
      const gguf = files.find(({ path }) => path.endsWith('.gguf'));
      const shape = gguf ? (await all.gguf(gguf.path)).shape : before?.shape;
      const artifact = String(context.values['artifact'] ?? toArtifactName(files[0]!.path));
      const { values } = context;
      entry = await writeEntry(file, role, {
        facts: { ...facts, shape: shape ?? {} },
        artifact,
        files: locked,
        task: values['task'] as ModelEntry['task'] | undefined,
        engines: (values['engine'] as string[] | undefined) ?? [],
        isa: values['isa'] as string[],
      });
      context.say(`${role}: ${facts.id}  ${facts.revision}  ${facts.licence}${facts.gated ? '  gated' : ''}`);
      for (const { path, size, sha256 } of locked) context.say(`  ${sha256}  ${size}  ${path}`);
    });
    return entry;
  },
};

function assertComplete({ values }: Context, before: ModelEntry | undefined): void {
  const { task } = values;
  if (task !== undefined && !TASKS.includes(String(task))) {
    throw new UsageError(`expected --task to be one of ${TASKS.join(', ')}`);
  }
  if (before) return;
  if (task === undefined) throw new UsageError(`expected --task for a new role: ${TASKS.join(', ')}`);
  if (values['engine'] === undefined) throw new UsageError('expected --engine for a new role, such as oneapi');
}

function toArtifactName(path: string): string {
  const [, quantisation] = /[.-]((?:I?Q\d|F16|BF16|F32)[A-Z0-9_]*)(?:-\d{5}-of-\d{5})?\.gguf$/i.exec(path) ?? [];
  if (quantisation !== undefined) return `gguf-${quantisation.toLowerCase()}`;
  return path.split('.').at(-1)!.toLowerCase();
}
