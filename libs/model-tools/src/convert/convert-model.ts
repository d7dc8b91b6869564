import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ModelEntry, ModelFile, Profile } from '@xim/engine';
import { fetchArtifact } from '@xim/model-cache';
import { hashFile, lockOf, repoFolder, withLock } from '@xim/model-cache/internal';
import type { ConvertInput } from './convert-input.ts';
import { runTool } from './run-tool.ts';
import { prepareTools, type ToolOptions, TOOLS, toolsVersion } from './tool-environment.ts';

/** Precisions of the weights: floating point as published or halved, FP8 as published, or integers with scales. */
export type Weights = 'fp32' | 'fp16' | 'bf16' | 'fp8_e4m3' | 'int8' | 'int4';

/** Tasks whose models are converted. */
export type ConvertTask = 'generate' | 'embed' | 'rerank' | 'transcribe';

/** A kind of files for an engine. */
export interface Target {
  readonly tasks: readonly ConvertTask[];
  /** The first is the default. */
  readonly weights: readonly Weights[];
  /** For people. */
  readonly title: string;
  /** The tool's name of the files, and the beginning of the artifact's. */
  readonly format: string;
  /** That the profile asks for. */
  readonly isa: readonly string[];
}

/** What is made for each engine. */
export const ENGINES = {
  oneapi: [
    {
      tasks: ['generate', 'embed', 'rerank'],
      weights: ['int8', 'fp32', 'fp16', 'int4'],
      title: 'OpenVINO IR',
      format: 'openvino',
      isa: ['avx2'],
    },
    {
      tasks: ['transcribe'],
      weights: ['int8', 'fp16', 'fp32'],
      title: 'CTranslate2',
      format: 'ctranslate2',
      isa: ['avx2'],
    },
  ],
  xft: [
    {
      tasks: ['generate'],
      // The last two for DeepSeek, which has no other.
      weights: ['fp16', 'fp32', 'bf16', 'fp8_e4m3'],
      title: 'xFasterTransformer',
      format: 'xft',
      isa: [],
    },
  ],
} as const satisfies Readonly<Record<string, readonly Target[]>>;
export type ConvertEngine = keyof typeof ENGINES;

/** Whether models for the task are converted for the engine. */
export function isConverted(engine: ConvertEngine, task: unknown): task is ConvertTask {
  return ENGINES[engine].some(({ tasks }: Target) => tasks.some((one) => one === task));
}

/** What is made of a model for the task, which `isConverted` has accepted for the engine. */
export function targetOf(engine: ConvertEngine, task: ConvertTask): Target {
  return ENGINES[engine].find(({ tasks }: Target) => tasks.includes(task))!;
}

export interface ConvertOptions extends ToolOptions {
  readonly engine: ConvertEngine;
  readonly task: ConvertTask;
  readonly weights: Weights;
  readonly artifact: string;
  /** Where others will find the files, each before the file's name; the recipe is always the last source. */
  readonly prefixes: readonly string[];
}

export interface Converted {
  readonly files: readonly ModelFile[];
  readonly shape: ModelEntry['shape'];
  readonly options: NonNullable<Profile['options']>;
  /** How far one inference of it agrees with the original, from 0 to 1. */
  readonly agreement: number;
  /** The folder in the cache. */
  readonly folder: string;
}

type Outcome = Pick<Converted, 'shape' | 'options' | 'agreement'>;
type Recorded = Outcome & { readonly files: readonly Pick<ModelFile, 'path' | 'size' | 'sha256'>[] };

/**
 * The files of the target, in the cache. An earlier result of the same input, settings and tools is returned at once.
 * Rejects with a `ModelFetchError`; then the cache is unchanged.
 */
export async function convertModel(input: ConvertInput, options: ConvertOptions): Promise<Converted> {
  const { cacheDir, signal } = options;
  const folder = repoFolder(input.facts.id);
  const key = keyOf(input, options);
  const record = join(cacheDir, folder, '.xim', 'converted', key);
  return withLock(lockOf(cacheDir, `${folder}-convert`), signal, async () => {
    const known = await readRecord(record);
    // In the cache or gone from it: a recipe is no place to fetch from.
    const kept = known && (await bring(input, known, undefined, options).catch(() => undefined));
    if (kept) return kept;
    const work = join(cacheDir, '.partial', folder, `convert-${key}`);
    try {
      await rm(work, { recursive: true, force: true });
      const made = await convert(input, work, options);
      const converted = await bring(input, made, join(work, 'out'), options);
      await mkdir(dirname(record), { recursive: true });
      await writeFile(`${record}.new`, JSON.stringify(made));
      await rename(`${record}.new`, record);
      return converted;
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  });
}

function keyOf({ files }: ConvertInput, { engine, task, weights }: ConvertOptions): string {
  const inputs = files.map(({ path, sha256 }) => `${sha256}  ${path}`).sort();
  return createHash('sha256')
    .update(JSON.stringify([toolsVersion(TOOLS[engine]), task, weights, inputs]))
    .digest('hex')
    .slice(0, 32);
}

async function readRecord(path: string): Promise<Recorded | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Recorded);
}

async function convert(input: ConvertInput, work: string, options: ConvertOptions): Promise<Recorded> {
  const { engine, task, weights, signal, env, note } = options;
  const python = await prepareTools(TOOLS[engine], options);
  const out = join(work, 'out');
  await mkdir(out, { recursive: true });
  // The tool sees only the needed files, and it changes only links.
  for (const { path } of input.files) {
    const link = join(work, 'in', path);
    await mkdir(dirname(link), { recursive: true });
    const source = join(input.folder, path);
    await symlink(source, link).catch(() => copyFile(source, link));
  }
  const args = [targetOf(engine, task).format, task, weights, join(work, 'in'), out];
  const outcome = await runTool<Outcome>({ python, args, signal, env, note });
  const files: { path: string; size: number; sha256: string }[] = [];
  for (const entry of (await readdir(out, { recursive: true, withFileTypes: true })).filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const { size } = await stat(path);
    files.push({ path: path.slice(out.length + 1), size, sha256: await hashFile(path, signal) });
  }
  return { ...outcome, files: files.sort((a, b) => (a.path < b.path ? -1 : 1)) };
}

/** Stores the result in the cache as an artifact, unless the cache has it. */
async function bring(
  { facts, name }: ConvertInput,
  { files, ...outcome }: Recorded,
  made: string | undefined,
  { engine, artifact, task, weights, prefixes, cacheDir, python, signal }: ConvertOptions,
): Promise<Converted> {
  const withSources = (more: (path: string) => string[]): ModelFile[] =>
    files.map((file) => ({ ...file, sources: [...more(file.path), `convert:${task}/${engine}/${weights}:${name}`] }));
  const fetched = withSources((path) => (made === undefined ? [] : [`file:${join(made, path)}`]));
  const model = { ...facts, task, artifacts: { [artifact]: { files: fetched } }, profiles: [], shape: {} };
  const folder = await fetchArtifact({ model, artifact, cacheDir, python, offline: made === undefined, signal });
  return { ...outcome, folder, files: withSources((path) => prefixes.map((prefix) => `${prefix}${path}`)) };
}
