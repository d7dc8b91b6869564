import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DefaultSampling, ModelEntry, Profile } from '@xim/engine';
import { readGguf } from '../formats/gguf.ts';
import { samplingSchema } from './models-schema.ts';
import { openFile } from '../formats/read-at.ts';

export interface ReadSampling {
  readonly sampling: DefaultSampling;
  /** Values that no engine can take, each as `file: name = value`; they are left out. */
  readonly ignored: readonly string[];
}

/**
 * The sampling that a model's files recommend: `generation_config.json` of the profile's artifact (as Transformers reads
 * it, except that values without `do_sample` count, as in vLLM), else the header of its GGUF file. `modelPath`: the
 * folder of the files. Empty where the files recommend nothing. Rejects where a file cannot be read.
 */
export async function readSampling(model: ModelEntry, profile: Profile, modelPath: string): Promise<ReadSampling> {
  const files = profile.artifact === undefined ? [] : (model.artifacts[profile.artifact]?.files ?? []);
  const paths = files.map(({ path }) => path);
  const config = paths.find((path) => /(?:^|\/)generation_config\.json$/.test(path));
  if (config !== undefined) {
    const text = await readFile(join(modelPath, config), 'utf8');
    try {
      return check(config, toSampling(JSON.parse(text) as GenerationConfig));
    } catch {
      return { sampling: {}, ignored: [`${config}: the whole file, which is no JSON`] };
    }
  }
  const gguf = paths.find((path) => /\.gguf$/i.test(path));
  if (gguf === undefined) return { sampling: {}, ignored: [] };
  const path = join(modelPath, gguf);
  return check(gguf, (await openFile(path, (readAt) => readGguf(readAt, path))).sampling);
}

// Source of the names: transformers, `GenerationConfig`.
type GenerationConfig = Partial<
  Readonly<Record<'do_sample' | 'temperature' | 'top_p' | 'top_k' | 'min_p' | 'repetition_penalty', unknown>>
> | null;

function toSampling(config: GenerationConfig): Readonly<Record<string, unknown>> {
  const { do_sample: samples, repetition_penalty: repetitionPenalty } = config ?? {};
  if (samples === false) return { temperature: 0, repetitionPenalty };
  const { temperature, top_p: topP, top_k: topK, min_p: minP } = config ?? {};
  return { temperature, topP, topK, minP, repetitionPenalty };
}

function check(file: string, values: Readonly<Record<string, unknown>>): ReadSampling {
  const sampling: Record<string, unknown> = {};
  const ignored: string[] = [];
  for (const [name, given] of Object.entries(values)) {
    if (given == null) continue;
    // llama.cpp writes a negative number for "all tokens".
    const value = name === 'topK' && typeof given === 'number' && given < 0 ? 0 : given;
    if (samplingSchema.safeParse({ [name]: value }).success) sampling[name] = value;
    else ignored.push(`${file}: ${name} = ${JSON.stringify(value)}`);
  }
  return { sampling, ignored };
}
