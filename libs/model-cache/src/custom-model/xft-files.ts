import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelFetchError } from '../errors.ts';
import type { CustomModelFacts } from './custom-model-options.ts';

/** The files by which a model in the format of xFasterTransformer is known; its converters write no other names. */
export const XFT_CONFIG = 'config.ini';
const EMBEDDING = 'model.wte.bin';

/** Whether a folder with these files holds such a model. */
export function isXft(names: readonly string[]): boolean {
  return names.includes(XFT_CONFIG) && names.includes(EMBEDDING);
}

/** Shape and dtype of the numbers from the one section of `config.ini`: a line for each name, `name = value`. */
export async function readXftFacts(folder: string, text: string): Promise<Pick<CustomModelFacts, 'shape' | 'options'>> {
  const lines = (await readFile(join(folder, XFT_CONFIG), 'utf8')).split('\n');
  const values = new Map(lines.map((line) => line.split('=').map((part) => part.trim()) as [string, string]));
  const number = (...names: string[]): number => {
    const found = Number(names.map((name) => values.get(name)).find((value) => value !== undefined));
    if (Number.isInteger(found) && found > 0) return found;
    throw new ModelFetchError(`XIM_MODEL=${text}: ${XFT_CONFIG} has no ${names[0]}; convert the model again`);
  };
  const shape = {
    contextLength: number('max_pos_seq_len'),
    layers: number('num_layer'),
    kvHeads: number('kv_head_num', 'head_num'),
    headDim: number('size_per_head'),
  };
  return { shape, options: { weights: values.get('weight_data_type') ?? 'fp16' } };
}
