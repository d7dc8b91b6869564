import { createHash } from 'node:crypto';
import { access, readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ModelEntry } from '@xim/engine';
import { ModelFetchError, readModels } from '@xim/model-cache';
import { isPath, needsConversion, writeMemo } from '@xim/model-cache/internal';
import { readInput } from '../convert/convert-input.ts';
import { convertModel, type ConvertTask, isConverted, targetOf, type Weights } from '../convert/convert-model.ts';
import { TOOLS } from '../convert/tool-environment.ts';
import { attempt, type Command, type Context, UsageError } from './command.ts';

const { weights: WEIGHTS } = targetOf('oneapi', 'generate');

export const ready: Command = {
  summary: 'print the value of XIM_MODEL for a model of yours, after a conversion where it needs one',
  usage: `FILE --model MODEL [--weights int8]

Prints MODEL, or the folder of its converted form where it is there only as safetensors and the service of FILE loads
none. The conversion is that of npx xim-models convert: its tools are installed the first time (${TOOLS.oneapi.size}), its result is
compared with the original and kept in the cache. FILE is only read. npm start does this for XIM_MODEL by itself.

  --model MODEL      as XIM_MODEL names it: org/name[@revision][#file], or a path
  --weights W        ${WEIGHTS.join(', ')}; the first is the default, and the only weights of Whisper`,
  options: { model: { type: 'string' }, weights: { type: 'string' } },
  files: true,
  async run(context) {
    const { model: text } = context.values as { model?: string };
    if (text === undefined) throw new UsageError('expected --model MODEL');
    if (context.args.length !== 1) throw new UsageError('expected one models.json after ready');
    const asked = context.values['weights'] ?? WEIGHTS[0];
    const weights = WEIGHTS.find((one) => one === asked);
    if (weights === undefined) throw new UsageError(`expected --weights to be one of ${WEIGHTS.join(', ')}`);
    let served: string | undefined;
    await attempt(context, async () => {
      const { main } = readModels(resolve(context.args[0]!)).models;
      const { task } = main;
      served = text;
      if (isConverted('oneapi', task) && !loadsSafetensors(main)) {
        const { cacheDir, hub, offline, signal } = context;
        served =
          (await findConverted(text, task, weights, context)) ??
          ((await needsConversion({ text, task, cacheDir, hub, offline, signal }))
            ? await convertOwn(text, task, weights, context)
            : text);
      }
      context.say(served);
    });
    return served;
  },
};

/** Whether the service's own model is in safetensors, so that one of its engines loads them. */
function loadsSafetensors({ artifacts }: ModelEntry): boolean {
  return Object.values(artifacts).some(({ files }) => files.some(({ path }) => /^model[^/]*\.safetensors$/.test(path)));
}

async function convertOwn(text: string, task: ConvertTask, weights: Weights, context: Context): Promise<string> {
  const { cacheDir, python, offline, signal, env, note } = context;
  const { title, format } = targetOf('oneapi', task);
  // The profile of the service computes in int8, whatever the weights of another model are.
  if (task === 'transcribe' && weights !== 'int8') {
    throw new ModelFetchError(
      `the service computes Whisper in int8; expected --weights int8, found ${weights}. For others write a models.json of ` +
        'your own with npx xim-models convert',
    );
  }
  note(
    `${text} is there only as safetensors; it is converted to ${title} (${weights}), once. XIM_CONVERT=0 forbids it`,
  );
  const input = await readInput(text, context);
  const artifact = `${format}-${weights}`;
  const settings = {
    engine: 'oneapi',
    task,
    weights,
    artifact,
    prefixes: [],
    cacheDir,
    python,
    offline,
    signal,
    env,
    note,
  } as const;
  const { folder, agreement } = await convertModel(input, settings);
  note(`${text} is converted; it agrees with the original: ${(100 * agreement).toFixed(1)} %`);
  await writeMemo(memoOf(text, task, weights, context), JSON.stringify({ folder, identity: await identityOf(text) }));
  return folder;
}

/** The folder of an earlier conversion; undefined where there is none, or the files were changed since. */
async function findConverted(text: string, task: ConvertTask, weights: Weights, context: Context) {
  const memo = await readFile(memoOf(text, task, weights, context), 'utf8').catch(() => 'null');
  const known = JSON.parse(memo) as { folder: string; identity: string } | null;
  if (known === null || known.identity !== (await identityOf(text).catch(() => undefined))) return undefined;
  return access(known.folder).then(
    () => known.folder,
    () => undefined,
  );
}

function memoOf(text: string, task: string, weights: string, { cacheDir }: Context): string {
  const source = isPath(text) ? resolve(text) : text;
  const key = createHash('sha256')
    .update(JSON.stringify([source, task, weights]))
    .digest('hex')
    .slice(0, 32);
  return join(cacheDir, '.xim', 'ready', key);
}

/** Of a folder, the sizes and times of its files; empty for a name on the hub, whose conversion stays. */
async function identityOf(text: string): Promise<string> {
  if (!isPath(text)) return '';
  const folder = resolve(text);
  const parts: string[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const { size, mtimeMs } = await stat(join(folder, name));
    parts.push(`${name} ${size} ${mtimeMs}`);
  }
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}
