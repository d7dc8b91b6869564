import { ModelFetchError } from '../errors.ts';
import { chooseGguf } from '../formats/choose-gguf.ts';
import { chooseIr, chooseSafetensors } from './exported-files.ts';
import { type FormatFacts, type ModelFiles, type ModelFormat, readObject, sameNames, toCount } from './model-format.ts';
import { isXft, readXftFacts } from './xft-files.ts';

const tasks = ['generate'] as const;

/** Formats of a language model, the best first. */
export const LANGUAGE_FORMATS: readonly ModelFormat[] = [
  {
    name: 'gguf',
    title: 'a GGUF file',
    tasks,
    choose(files, asked) {
      if (asked !== undefined && !/\.gguf$/i.test(asked)) return undefined;
      if (!files.names.some((name) => /\.gguf$/i.test(name))) return undefined;
      return sameNames(chooseGguf(files, asked));
    },
    readFacts: async (files, chosen) => {
      const [first] = chosen.values();
      return { shape: (await files.gguf(first!)).shape };
    },
  },
  { name: 'openvino-ir', title: 'OpenVINO IR', tasks, choose: chooseIr, readFacts: readDecoderShape },
  {
    name: 'xft',
    title: 'a model of xFasterTransformer',
    tasks,
    choose: ({ names }, asked) =>
      asked === undefined && isXft(names) ? sameNames(names.filter((name) => !name.includes('/'))) : undefined,
    readFacts: readXftFacts,
  },
  { name: 'safetensors', title: 'safetensors', tasks, choose: chooseSafetensors, readFacts: readDecoderShape },
];

/** From the configuration that Transformers and every export keep beside the model. */
async function readDecoderShape(files: ModelFiles): Promise<FormatFacts> {
  const config = await readObject(files, 'config.json');
  const heads = toCount(config['num_attention_heads']);
  const shape = {
    contextLength: toCount(config['max_position_embeddings']),
    layers: toCount(config['num_hidden_layers']),
    kvHeads: toCount(config['num_key_value_heads']) ?? heads,
    headDim: toCount(config['head_dim']) ?? toCount(Number(config['hidden_size']) / (heads ?? NaN)),
  };
  if (Object.values(shape).every((value) => value !== undefined)) return { shape };
  throw new ModelFetchError(
    `${files.place} has no config.json that tells layers, heads and context of a language model; expected the one that ` +
      'the model was exported with',
  );
}
