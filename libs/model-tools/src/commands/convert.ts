import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ModelEntry } from '@xim/engine';
import { sourceProblem } from '@xim/model-cache/internal';
import { readInput } from '../convert/convert-input.ts';
import {
  type ConvertEngine,
  convertModel,
  type ConvertTask,
  ENGINES,
  isConverted,
  type Target,
  targetOf,
  type Weights,
} from '../convert/convert-model.ts';
import { runTool } from '../convert/run-tool.ts';
import { prepareTools, TOOLS } from '../convert/tool-environment.ts';
import { readEntry, writeEntry } from '../models-json/write-entry.ts';
import { attempt, type Command, type Context, UsageError } from './command.ts';

const NAMES = Object.keys(ENGINES) as ConvertEngine[];
const tasksOf = (engine: ConvertEngine): readonly ConvertTask[] => ENGINES[engine].flatMap(({ tasks }) => tasks);
/** A line of the help for each kind of files. */
const WEIGHTS = NAMES.flatMap((name) =>
  ENGINES[name].map(({ tasks, weights }) => `${name}, ${tasks.join(' and ')}: ${weights.join(', ')}`),
).join(';\n                     ');

export const convert: Command = {
  summary: 'make OpenVINO IR, CTranslate2 or xFasterTransformer files of safetensors, or safetensors of a pickle',
  usage: `FILE --from MODEL [--to oneapi] [--weights int8]
  npx xim-models convert WEIGHTS.pt --to WEIGHTS.safetensors

The first form converts a model for an engine with tools in an environment of their own (made the first time, ${TOOLS.oneapi.size}
for oneapi, ${TOOLS.xft.size} for xft), compares the result with the original, puts it into the cache and writes it into FILE.
For oneapi one inference of both is compared, for xft every number of every file. Whisper (--task transcribe) becomes
CTranslate2. The same input, settings and tools are converted once. The second form reads a pickle without running what is in it.

  --from MODEL       org/name[@revision] on the hub, or a folder (./… or /…) with config.json and model.safetensors
  --to ENGINE        ${NAMES.join(', ')}; default: oneapi. For xft: models of Llama, Qwen2, Qwen3, ChatGLM2, ChatGLM3,
                     GLM-4, Baichuan 7B and DeepSeek-V3
  --weights W        the first of each is the default. ${WEIGHTS}
  --role ROLE        default: main
  --artifact NAME    name of the set of files; default: openvino-W, ctranslate2-W, xft-W
  --task TASK        ${tasksOf('oneapi').join(', ')}; expected for a role that is new
  --source PREFIX    where you will publish the files, such as https://host/folder/ ; may stand several times.
                     Without one they are brought to other machines with npx xim-models export and import
  --to FILE          of the second form; one that exists is not replaced`,
  options: {
    from: { type: 'string' },
    weights: { type: 'string' },
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
    const { from, role, to } = values as { from?: string; role: string; to?: string };
    if (from === undefined) {
      if (to === undefined) throw new UsageError('expected --from MODEL, or --to FILE for a pickle');
      return convertPickle(context, resolve(args[0]!), resolve(to));
    }
    const engine = toEngine(to);
    const file = resolve(args[0]!);
    const before = readEntry(file, role);
    const task = toTask(engine, values['task'] ?? before?.task);
    const target = targetOf(engine, task);
    const weights = toWeights(engine, target, values['weights']);
    const prefixes = toPrefixes(values['source'] as string[]);

    let entry: ModelEntry | undefined;
    await attempt(context, async () => {
      const input = await readInput(from, context);
      const artifact = String(values['artifact'] ?? `${target.format}-${weights}`);
      const { cacheDir, python, offline, signal, env, note } = context;
      const settings = {
        engine,
        target,
        task,
        weights,
        artifact,
        prefixes,
        cacheDir,
        python,
        offline,
        signal,
        env,
        note,
      };
      const { files, shape, options, agreement, folder } = await convertModel(input, settings);
      const own = before?.profiles.find((profile) => profile.engine === engine)?.options;
      entry = await writeEntry(file, role, {
        facts: { ...input.facts, shape },
        artifact,
        files,
        task,
        engines: [engine],
        isa: target.isa,
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

function toEngine(to = 'oneapi'): ConvertEngine {
  const engine = NAMES.find((name) => name === to);
  if (engine !== undefined) return engine;
  throw new UsageError(`expected --to with --from to be an engine: ${NAMES.join(', ')}; found ${to}`);
}

function toWeights(engine: ConvertEngine, { tasks, weights }: Target, asked: unknown): Weights {
  const found = asked === undefined ? weights[0] : weights.find((one) => one === asked);
  if (found !== undefined) return found;
  const what = `${engine} and ${tasks.join(' or ')}`;
  throw new UsageError(`expected --weights to be one of ${weights.join(', ')} for ${what}; found ${String(asked)}`);
}

function toTask(engine: ConvertEngine, task: unknown): ConvertTask {
  if (isConverted(engine, task)) return task;
  const found = task === undefined ? '' : `, found ${String(task)}`;
  throw new UsageError(`expected --task to be one of ${tasksOf(engine).join(', ')} for ${engine}${found}`);
}

function toPrefixes(prefixes: readonly string[]): string[] {
  return prefixes.map((prefix) => {
    const problem = sourceProblem(`${prefix}model.xml`);
    if (problem !== undefined) throw new UsageError(`--source ${prefix}: ${problem}`);
    return prefix.endsWith('/') || prefix.includes('#') ? prefix : `${prefix}/`;
  });
}

async function convertPickle(context: Context, file: string, to: string): Promise<unknown> {
  if (!existsSync(file)) throw new UsageError(`there is no ${file}`);
  if (!/\.safetensors$/.test(to)) throw new UsageError('expected --to to name a .safetensors file');
  if (existsSync(to)) throw new UsageError(`${to} exists already; remove it first, or name another file`);
  let result: { tensors: number; bytes: number } | undefined;
  await attempt(context, async () => {
    const { signal, env, note } = context;
    const python = await prepareTools(TOOLS.oneapi, context);
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
