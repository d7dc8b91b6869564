import type { ModelShape } from '@xim/engine';
import { ModelFetchError } from '../errors.ts';
import { toActiveShare } from '../formats/active-share.ts';
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

type Config = Readonly<Record<string, unknown>>;

/** Names of Qwen, of Mixtral and gpt-oss, and of DeepSeek, in the configurations of Transformers. */
const EXPERTS = ['num_experts', 'num_local_experts', 'n_routed_experts'];

function readMixture(config: Config, heads: number | undefined, shape: ModelShape): Pick<ModelShape, 'activeShare'> {
  const [layers, width] = [shape.layers, toCount(config['hidden_size'])];
  if (layers === undefined || width === undefined) return {};
  const activeShare = toActiveShare({
    layers,
    width,
    experts: EXPERTS.map((name) => toCount(config[name])).find((count) => count !== undefined),
    used: toCount(config['num_experts_per_tok']),
    expertWidth: toCount(config['moe_intermediate_size']) ?? toCount(config['intermediate_size']),
    heads,
    kvHeads: shape.kvHeads,
    headDim: shape.headDim,
    vocabulary: toCount(config['vocab_size']),
  });
  return activeShare === undefined ? {} : { activeShare };
}

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
  if (Object.values(shape).every((value) => value !== undefined))
    return { shape: { ...shape, ...readMixture(config, heads, shape) } };
  throw new ModelFetchError(
    `${files.place} has no config.json that tells layers, heads and context of a language model; expected the one that ` +
      'the model was exported with',
  );
}
