import {
  type Engine,
  type EngineInfo,
  type ImageInput,
  InvalidInputError,
  type SpeakInput,
  type TranscribeInput,
} from '@xim/engine';

/**
 * The same engine, which refuses a voice, language or size that it did not report, before a call is sent. A list that
 * the engine does not report allows every value.
 */
export function checkInputs(engine: Engine, info: EngineInfo | undefined): Engine {
  const { speak, transcribe, generateImage } = engine;
  if (info === undefined || (!speak && !transcribe && !generateImage)) return engine;
  const checked: Partial<Engine> = {
    ...(speak && { speak: checkFirst(speak.bind(engine), (input) => checkVoice(input, info)) }),
    ...(transcribe && { transcribe: checkFirst(transcribe.bind(engine), (input) => checkLanguage(input, info)) }),
    ...(generateImage && { generateImage: checkFirst(generateImage.bind(engine), (input) => checkSize(input, info)) }),
  };
  return new Proxy(engine, {
    get: (target, key) => Reflect.get(key in checked ? checked : target, key) as unknown,
  });
}

type Open<I, O, E> = (input: I, options: O) => AsyncIterable<E>;

/** As for every call, nothing is thrown before iteration begins. */
function checkFirst<I, O, E>(open: Open<I, O, E>, check: (input: I) => void): Open<I, O, E> {
  return (input, options) => ({
    [Symbol.asyncIterator]() {
      check(input);
      return open(input, options)[Symbol.asyncIterator]();
    },
  });
}

function checkVoice({ voice }: SpeakInput, { voices }: EngineInfo): void {
  if (voice !== undefined && voices && !voices.includes(voice)) throw refusal('voice', voice, voices);
}

function checkLanguage({ language }: TranscribeInput, { languages }: EngineInfo): void {
  if (language !== undefined && languages && !languages.includes(language)) {
    throw refusal('language', language, languages);
  }
}

function checkSize({ width, height }: ImageInput, { imageSizes }: EngineInfo): void {
  const fits = (size: string): boolean => {
    const [across, down] = size.split('x').map(Number);
    return (width === undefined || width === across) && (height === undefined || height === down);
  };
  if (!imageSizes || imageSizes.some(fits)) return;
  const asked = `${width ?? 'any'}x${height ?? 'any'}`;
  throw refusal(width === undefined ? 'height' : 'width', asked, imageSizes, 'size');
}

function refusal(param: string, value: string, known: readonly string[], noun = param): InvalidInputError {
  return new InvalidInputError(`This model has no ${noun} "${value}". Expected one of: ${known.join(', ')}.`, {
    param,
  });
}
