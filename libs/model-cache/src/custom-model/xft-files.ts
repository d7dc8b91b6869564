import { ModelFetchError } from '../errors.ts';
import type { FormatFacts, ModelFiles } from './model-format.ts';

/** The files by which a model in the format of xFasterTransformer is known; its converters write no other names. */
const CONFIG = 'config.ini';
const EMBEDDING = 'model.wte.bin';

/** Whether a folder with these files holds such a model. */
export function isXft(names: readonly string[]): boolean {
  return names.includes(CONFIG) && names.includes(EMBEDDING);
}

/** Shape and dtype of the numbers from the one section of `config.ini`: a line for each name, `name = value`. */
export async function readXftFacts(files: ModelFiles): Promise<FormatFacts> {
  const lines = (await files.text(CONFIG)).split('\n');
  const values = new Map(lines.map((line) => line.split('=').map((part) => part.trim()) as [string, string]));
  const number = (...names: string[]): number => {
    const found = Number(names.map((name) => values.get(name)).find((value) => value !== undefined));
    if (Number.isInteger(found) && found > 0) return found;
    throw new ModelFetchError(`${files.place}: ${CONFIG} has no ${names[0]}; convert the model again`);
  };
  const shape = {
    contextLength: number('max_pos_seq_len'),
    layers: number('num_layer'),
    kvHeads: number('kv_head_num', 'head_num'),
    headDim: number('size_per_head'),
  };
  const weights = values.get('weight_data_type') ?? 'fp16';
  // The library has DeepSeek in these dtypes only: the files', and keys and values in bf16.
  const isDeepSeek = values.get('attn_params_type') === 'MLAttnParams';
  return { shape, options: isDeepSeek ? { weights, dtype: weights, kvDtype: 'bf16' } : { weights } };
}
