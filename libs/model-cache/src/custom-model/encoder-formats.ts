import { ModelFetchError } from '../errors.ts';
import { chooseIr, chooseOnnx, chooseSafetensors } from './exported-files.ts';
import { type FormatFacts, type ModelFiles, type ModelFormat, readObject, toCount } from './model-format.ts';

const of = {
  tasks: ['embed', 'rerank'],
  // The folder of the model tells its own pooling, and whether a reranker is a cross-encoder.
  modelOptions: ['pooling', 'normalize', 'scoring', 'prompt'],
  readFacts: readEncoderShape,
} as const;

/** Formats of a model that reads texts into vectors or scores: full precision first, other files by name. */
export const ENCODER_FORMATS: readonly ModelFormat[] = [
  { name: 'openvino-ir', title: 'OpenVINO IR', choose: chooseIr, ...of },
  { name: 'onnx', title: 'an ONNX file', choose: chooseOnnx, ...of },
  { name: 'safetensors', title: 'safetensors', choose: chooseSafetensors, ...of },
];

/** A tokenizer without a limit has a number of thirty digits as its `model_max_length`. */
const NO_LIMIT = 1e9;

async function readEncoderShape(files: ModelFiles): Promise<FormatFacts> {
  const config = await readObject(files, 'config.json');
  const { max_seq_length: asked } = await readObject(files, 'sentence_bert_config.json');
  const { model_max_length: most } = await readObject(files, 'tokenizer_config.json');
  // NomicBERT can compute more positions than it was trained on.
  const positions = ['max_position_embeddings', 'n_positions', 'max_trained_positions'].map((name) => config[name]);
  const limits = [...positions, asked ?? most]
    .map(toCount)
    .filter((limit) => limit !== undefined && limit < NO_LIMIT) as number[];
  if (limits.length === 0) {
    throw new ModelFetchError(
      `${files.place} does not tell how many tokens the model reads; expected max_position_embeddings in config.json, ` +
        'or max_seq_length in sentence_bert_config.json',
    );
  }
  // As Transformers names it, as NomicBERT was published, and of T5.
  const first = (...names: string[]) => names.map((name) => toCount(config[name])).find((count) => count !== undefined);
  const dimensions = (await readDenseWidth(files)) ?? first('hidden_size', 'n_embd', 'd_model');
  const layers = first('num_hidden_layers', 'n_layer', 'num_layers');
  return {
    shape: { contextLength: Math.min(...limits), ...(layers && { layers }), ...(dimensions && { dimensions }) },
  };
}

/** The width of the last dense layer behind the pooling, where the model has one. */
async function readDenseWidth(files: ModelFiles): Promise<number | undefined> {
  const last = files.names
    .filter((name) => /^\d+_Dense\/config\.json$/.test(name))
    .sort((a, b) => parseInt(a) - parseInt(b))
    .at(-1);
  return last === undefined ? undefined : toCount((await readObject(files, last))['out_features']);
}
