import { ModelFetchError } from '../errors.ts';
import { chooseOnnx, chooseSafetensors } from './exported-files.ts';
import { type ModelFiles, type ModelFormat, readObject, sameNames } from './model-format.ts';

const noShape = () => Promise.resolve({ shape: {} });

/** Formats of the models that hear, speak and draw. */
export const MEDIA_FORMATS: readonly ModelFormat[] = [
  {
    name: 'ctranslate2',
    title: 'a Whisper model of CTranslate2',
    tasks: ['transcribe'],
    choose({ names }, asked) {
      if (asked !== undefined || !names.includes('model.bin') || !names.includes('config.json')) return undefined;
      const beside = /^(?:model\.bin|config\.json|tokenizer\.json|preprocessor_config\.json|vocabulary\.(?:json|txt))$/;
      return sameNames(names.filter((name) => beside.test(name)));
    },
    readFacts: noShape,
  },
  {
    name: 'openvino-ir',
    title: 'a Whisper model in OpenVINO IR',
    tasks: ['transcribe'],
    choose: chooseWhisperIr,
    readFacts: noShape,
  },
  {
    name: 'safetensors',
    title: 'a Whisper model in safetensors',
    tasks: ['transcribe'],
    choose: chooseSafetensors,
    readFacts: noShape,
  },
  {
    name: 'onnx',
    title: 'a folder of voices of Kokoro',
    tasks: ['speak'],
    modelOptions: ['voices'],
    choose: chooseKokoro,
    readFacts: (_, chosen) => {
      const voices = [...chosen.keys()].flatMap((name) => KOKORO_VOICE.exec(name)?.[1] ?? []);
      return Promise.resolve({ shape: {}, options: { voices } });
    },
  },
  {
    name: 'onnx',
    title: 'a voice of piper',
    tasks: ['speak'],
    modelOptions: ['voices'],
    choose: chooseVoice,
    readFacts: (_, chosen) => {
      const [first] = chosen.keys();
      return Promise.resolve({ shape: {}, options: { voices: [first!.replace(/\.onnx$/, '')] } });
    },
  },
  {
    name: 'safetensors',
    title: 'a pipeline of diffusers',
    tasks: ['generateImage'],
    modelOptions: ['steps', 'guidance', 'size'],
    choose: choosePipeline,
    readFacts: async (files) => {
      const { _class_name: kind } = await readObject(files, PIPELINE);
      if (typeof kind === 'string') return { shape: {} };
      throw new ModelFetchError(`${files.place} has no ${PIPELINE} that names the class of the pipeline`);
    },
  },
];

const WHISPER_IR = ['encoder', 'decoder'].flatMap((part) =>
  ['xml', 'bin'].map((end) => `openvino_${part}_model.${end}`),
);
const WHISPER_SETTINGS = ['config.json', 'generation_config.json', 'tokenizer.json'];

/** The graphs of encoder and decoder; the decoder's second form, for later steps, has the same weights. */
function chooseWhisperIr({ names, place }: ModelFiles, asked: string | undefined) {
  if (asked !== undefined || !names.includes(WHISPER_IR[0]!)) return undefined;
  const needed = [...WHISPER_IR, ...WHISPER_SETTINGS];
  const missing = needed.find((name) => !names.includes(name));
  if (missing !== undefined) {
    throw new ModelFetchError(`${place} has no ${missing}; a Whisper model in OpenVINO IR is ${needed.join(', ')}`);
  }
  return sameNames([...needed, ...names.filter((name) => name === 'preprocessor_config.json')]);
}

/** The first letter is the language: those that the speech library has phonemes for. */
const KOKORO_VOICE = /^voices\/([abefhip][a-z]?_[^/]+)\.bin$/;
const KOKORO_TOKENIZER = 'tokenizer.json';

/** The network, in full precision unless the user named another file, the symbols, and every voice that can speak here. */
function chooseKokoro(files: ModelFiles, asked: string | undefined) {
  const voices = files.names.filter((name) => KOKORO_VOICE.test(name)).sort();
  if (voices.length === 0 || !files.names.includes(KOKORO_TOKENIZER)) return undefined;
  const beside = [KOKORO_TOKENIZER, ...voices];
  const chosen = chooseOnnx(
    { ...files, names: files.names.filter((name) => /\.onnx(?:[_.]data)?$/.test(name)) },
    asked,
  );
  return chosen && new Map([...chosen, ...sameNames(beside)]);
}

/** The voice that the user named, else the only one. Its configuration has the same name with `.json` behind it. */
function chooseVoice({ names, place, naming }: ModelFiles, asked: string | undefined) {
  const voices = names.filter((name) => name.endsWith('.onnx') && names.includes(`${name}.json`));
  if (asked !== undefined && !voices.includes(asked)) {
    if (!asked.endsWith('.onnx')) return undefined;
    throw new ModelFetchError(`${place} has no voice ${asked}; expected it and ${asked}.json`);
  }
  if (voices.length === 0) return undefined;
  const voice = asked ?? voices[0]!;
  if (asked === undefined && voices.length > 1) {
    throw new ModelFetchError(`${place} holds ${voices.length} voices; name one, such as ${naming(voice)}`);
  }
  const name = voice.slice(voice.lastIndexOf('/') + 1);
  return new Map([
    [name, voice],
    [`${name}.json`, `${voice}.json`],
  ]);
}

const PIPELINE = 'model_index.json';
/** Configuration and vocabulary in a folder of the pipeline. */
const PART = /^[^/]+\/[^/]+\.(?:json|txt|model)$/;
const WEIGHTS = /^([^/]+\/(?:diffusion_pytorch_model|model))(\.fp16)?(-\d{5}-of-\d{5})?\.safetensors$/;

/** Weights in the precision of the pipeline; those of the variant `fp16` where a part has no others. */
function choosePipeline({ names }: ModelFiles, asked: string | undefined) {
  if (asked !== undefined || !names.includes(PIPELINE)) return undefined;
  const chosen = new Map([[PIPELINE, PIPELINE]]);
  for (const name of names) if (PART.test(name) && !name.includes('.fp16.')) chosen.set(name, name);
  const found = names.map((name) => WEIGHTS.exec(name)).filter((match) => match !== null);
  const whole = new Set(found.filter(([, , fp16]) => fp16 === undefined).map(([, stem]) => stem));
  for (const [name, stem, fp16, part = ''] of found) {
    if (fp16 === undefined) chosen.set(name, name);
    else if (!whole.has(stem)) chosen.set(`${stem}${part}.safetensors`, name);
  }
  for (const name of names) {
    const [, stem] = /^(.+)\.fp16\.safetensors\.index\.json$|^(.+)\.safetensors\.index\.fp16\.json$/.exec(name) ?? [];
    if (stem !== undefined && !whole.has(stem)) chosen.set(`${stem}.safetensors.index.json`, name);
  }
  return chosen;
}
