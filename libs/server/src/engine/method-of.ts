import { type Engine, type XimError } from '@xim/engine';
import { refusal, RouteNotFoundError } from '../errors/errors.ts';

type Method = 'generate' | 'tokenize' | 'embed' | 'rerank' | 'transcribe' | 'speak' | 'generateImage';

const model = (lacks: string, advice: string) => (): XimError =>
  refusal('model', `The model of this service ${lacks}`, advice);

const missing: Readonly<Record<Method, () => XimError>> = {
  generate: model('does not generate text', 'Use a service for chat'),
  tokenize: () => new RouteNotFoundError('The engine of this service has no tokenizer that could be asked.'),
  embed: model('makes no vectors', 'Use a service for embeddings'),
  rerank: model('does not rank documents', 'Use a service for reranking'),
  transcribe: model('does not transcribe speech', 'Use a service for transcription'),
  speak: model('does not speak', 'Use a service for speech'),
  generateImage: model('does not generate images', 'Use a service for images'),
};

/** A method of the engine, bound to it. Throws InvalidInputError, or RouteNotFoundError for `tokenize`, where it has none. */
export function methodOf<M extends Method>(engine: Engine, method: M): NonNullable<Engine[M]> {
  const found = engine[method];
  if (!found) throw missing[method]();
  return found.bind(engine) as NonNullable<Engine[M]>;
}
