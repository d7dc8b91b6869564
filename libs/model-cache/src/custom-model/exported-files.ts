import { ModelFetchError } from '../errors.ts';
import { type ChosenFiles, type ModelFiles } from './model-format.ts';

/** The usual file name of OpenVINO's intermediate representation (IR) of a model. */
export const IR = 'openvino_model.xml';
const ONNX = 'model.onnx';

/** Configuration, tokenizer, prompts, pooling and dense layers, as Transformers and Sentence Transformers keep them. */
const BESIDE =
  /^(?:(?!model\.safetensors\.index)[^/]+\.(?:json|model|jinja)|(?:vocab|merges)\.txt|\d+_[A-Z][A-Za-z]*\/(?:config\.json|model\.safetensors))$/;

/** Configuration and tokenizer beside the weights of a model. */
function filesBeside({ names }: ModelFiles): string[] {
  return names.filter((name) => BESIDE.test(name));
}

/**
 * OpenVINO IR: the file that the user named, else `openvino_model.xml` at the top or in `openvino/`, where Sentence
 * Transformers has it. Quantised forms beside it have other names and are served only by name.
 */
export function chooseIr(files: ModelFiles, asked: string | undefined): ChosenFiles | undefined {
  const { names, place } = files;
  const graph = asked ?? [IR, `openvino/${IR}`].find((name) => names.includes(name));
  if (graph === undefined || !graph.endsWith('.xml')) return undefined;
  const weights = graph.replace(/\.xml$/, '.bin');
  const missing = [graph, weights].find((name) => !names.includes(name));
  if (missing !== undefined)
    throw new ModelFetchError(`${place} has no ${missing}; OpenVINO IR is ${graph} and ${weights}`);
  return new Map([
    [IR, graph],
    [IR.replace(/\.xml$/, '.bin'), weights],
    ...filesBeside(files).map((name) => [name, name] as const),
  ]);
}

/** ONNX: the file that the user named, else `model.onnx` at the top or in `onnx/`, with its external weights. */
export function chooseOnnx(files: ModelFiles, asked: string | undefined): ChosenFiles | undefined {
  const { names, place } = files;
  const graph = asked ?? [ONNX, `onnx/${ONNX}`].find((name) => names.includes(name));
  if (graph === undefined || !graph.endsWith('.onnx')) return undefined;
  if (!names.includes(graph)) throw new ModelFetchError(`${place} has no ${graph}`);
  // A graph names its external weights, so that these keep their name.
  const external = names.filter((name) => [`${graph}_data`, `${graph}.data`].includes(name));
  return new Map([
    ...[graph, ...external].map((name) => [name.slice(name.lastIndexOf('/') + 1), name] as const),
    ...filesBeside(files).map((name) => [name, name] as const),
  ]);
}

/** Safetensors as Transformers saves them: one file, or several and their index. */
export function chooseSafetensors(files: ModelFiles, asked: string | undefined): ChosenFiles | undefined {
  const weights = files.names.filter((name) => /^model(?:-\d{5}-of-\d{5})?\.safetensors$/.test(name));
  if (asked !== undefined || weights.length === 0 || !files.names.includes('config.json')) return undefined;
  const index = files.names.filter((name) => name === 'model.safetensors.index.json');
  return new Map([...weights, ...index, ...filesBeside(files)].map((name) => [name, name]));
}
