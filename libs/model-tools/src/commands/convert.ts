import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ModelEntry } from '@xim/engine';
import { sourceProblem, toHubReference } from '@xim/model-cache/internal';
import { fetchFromHub, readFolder } from '../convert/convert-input.ts';
import { convertModel, type Weights, WEIGHTS } from '../convert/convert-model.ts';
import { runTool } from '../convert/run-tool.ts';
import { prepareTools } from '../convert/tool-environment.ts';
import { readEntry, writeEntry } from '../models-json/write-entry.ts';
import { attempt, type Command, type Context, UsageError } from './command.ts';

/** The engine that loads the result of this command. */
const ENGINE = 'oneapi';
const TASKS = ['generate', 'embed'];

export const convert: Command = {
  summary: 'make OpenVINO IR of a model in safetensors, or safetensors of a pickle',
  usage: `FILE --from MODEL [--weights int8]
  npx xim-models convert WEIGHTS.pt --to WEIGHTS.safetensors

The first form converts a model for the engine "${ENGINE}" with tools in an environment of their own (made the first time,
about 2 GB), compares one inference with the original's, puts the result into the cache and writes it into FILE. The
same input, settings and tools are converted once. The second form reads a pickle without running what is in it.

  --from MODEL       org/name[@revision] on the hub, or a folder (./… or /…) with config.json and model.safetensors
  --weights W        ${WEIGHTS.join(', ')}; default: int8
  --role ROLE        default: main
  --artifact NAME    name of the set of files; default: openvino-W
  --task TASK        ${TASKS.join(', ')}; expected for a role that is new
  --source PREFIX    where you will publish the files, such as https://host/folder/ ; may stand several times.
                     Without one they are brought to other machines with npx xim-models export and import
  --to FILE          of the second form; one that exists is not replaced`,
  options: {
    from: { type: 'string' },
    weights: { type: 'string', default: 'int8' },
    role: { type: 'string', default: 'main' },
    artifact: { type: 'string' },
    task: { type: 'string' },
    source: { type: 'string', multiple: true, default: [] },
    to: { type: 'string' },
  },
  files: true,
  async run(context) {
    const { values, args } = context;
    if (args.length !== 1) throw new UsageError('expected one file after convert');
    if (typeof values['to'] === 'string') return convertPickle(context, resolve(args[0]!), resolve(values['to']));
    const { from, role, weights } = values as { from?: string; role: string; weights: Weights };
    if (from === undefined) throw new UsageError('expected --from MODEL, or --to FILE for a pickle');
    if (!WEIGHTS.includes(weights)) throw new UsageError(`expected --weights to be one of ${WEIGHTS.join(', ')}`);
    const file = resolve(args[0]!);
    const before = readEntry(file, role);
    const task = toTask(values['task'] ?? before?.task);
    const prefixes = toPrefixes(values['source'] as string[]);

    let entry: ModelEntry | undefined;
    await attempt(context, async () => {
      const input = await readInput(from, context);
      const artifact = String(values['artifact'] ?? `openvino-${weights}`);
      const { cacheDir, python, offline, signal, env, note } = context;
      const settings = { task, weights, artifact, prefixes, cacheDir, python, offline, signal, env, note };
      const { files, shape, options, agreement, folder } = await convertModel(input, settings);
      const own = before?.profiles.find(({ engine }) => engine === ENGINE)?.options;
      entry = await writeEntry(file, role, {
        facts: { ...input.facts, shape },
        artifact,
        files,
        task,
        engines: [ENGINE],
        isa: ['avx2'],
        options: { ...own, ...options },
      });
      context.say(
        `${role}: ${input.facts.id}  ${artifact}  agrees with the original: ${(100 * agreement).toFixed(1)} %`,
      );
      for (const { path, size, sha256 } of files) context.say(`  ${sha256}  ${size}  ${path}`);
      context.say(folder);
    });
    return entry;
  },
};

function toTask(task: unknown): 'generate' | 'embed' {
  if (task === 'generate' || task === 'embed') return task;
  const found = task === undefined ? '' : `, found ${String(task)}`;
  throw new UsageError(`expected --task to be one of ${TASKS.join(', ')}, what can be converted${found}`);
}

function toPrefixes(prefixes: readonly string[]): string[] {
  return prefixes.map((prefix) => {
    const problem = sourceProblem(`${prefix}model.xml`);
    if (problem !== undefined) throw new UsageError(`--source ${prefix}: ${problem}`);
    return prefix.endsWith('/') || prefix.includes('#') ? prefix : `${prefix}/`;
  });
}

async function readInput(from: string, context: Context) {
  const { cacheDir, python, signal, hub } = context;
  if (/^(?:\/|\.\.?\/|\.\.?$)/.test(from)) return readFolder(from, signal);
  const reference = toHubReference(from.replace(/^hf:/, ''));
  if (!reference) throw new UsageError(`--from ${from} is neither org/name[@revision] nor a folder (./… or /…)`);
  if (context.offline) throw new UsageError('--from a model of the hub asks the hub, and XIM_OFFLINE=1 forbids it');
  const line = context.progress();
  try {
    const onProgress = line.onProgress.bind(line);
    return await fetchFromHub(reference, hub, { cacheDir, python, signal, onProgress, onSkip: context.note });
  } finally {
    line.end();
  }
}

async function convertPickle(context: Context, file: string, to: string): Promise<unknown> {
  if (!existsSync(file)) throw new UsageError(`there is no ${file}`);
  if (!/\.safetensors$/.test(to)) throw new UsageError('expected --to to name a .safetensors file');
  if (existsSync(to)) throw new UsageError(`${to} exists already; remove it first, or name another file`);
  let result: { tensors: number; bytes: number } | undefined;
  await attempt(context, async () => {
    const { signal, env, note } = context;
    const python = await prepareTools(context);
    const temporary = `${to}.${randomUUID()}`;
    try {
      result = await runTool({ python, args: ['safetensors', file, temporary], signal, env, note });
      await rename(temporary, to);
    } finally {
      await rm(temporary, { force: true });
    }
    context.say(`${to}  ${result!.tensors} tensors  ${result!.bytes} bytes`);
  });
  return result;
}
