import { type GenerateInput, InvalidInputError, type OutputFormat, type Sampling } from '@xim/engine';
import type { GenerateParameters, GenerateRequest, Grammar } from '@xim/tgi-schema';

/** A request of Text Generation Inference: the task, and what of the answer it wants to see. */
export interface TgiCall {
  readonly input: GenerateInput;
  /** The seed of sampling; null for a greedy request, or where each sequence has its own. */
  readonly seed: number | null;
  readonly details: boolean;
  readonly topTokens: boolean;
  /** The beginning of the answer's text: the prompt, or empty. */
  readonly opening: string;
}

/** Values that a request leaves to its route and its service. */
export interface TgiRequestContext {
  readonly stream: boolean;
  /** `return_full_text` where the request says nothing. */
  readonly fullText: boolean;
  readonly maxBestOf: number;
  readonly maxInputTokens: number;
  /** For a request that samples and brings no seed. */
  readonly randomSeed: number;
}

/** Names of the task's input → names of the request, for what an engine finds wrong. */
export const tgiParamNames = {
  prompt: 'inputs',
  'prompt.text': 'inputs',
  'prompt.tokens': 'inputs',
  'prompt.messages': 'messages',
  choices: 'parameters.best_of',
  maxTokens: 'parameters.max_new_tokens',
  stop: 'parameters.stop',
  echo: 'parameters.decoder_input_details',
  logprobs: 'parameters.top_n_tokens',
  format: 'parameters.grammar',
  'format.schema': 'parameters.grammar.value',
  'format.pattern': 'parameters.grammar.value',
  'sampling.temperature': 'parameters.temperature',
  'sampling.topP': 'parameters.top_p',
  'sampling.topK': 'parameters.top_k',
  truncate: 'parameters.truncate',
  'sampling.typicalP': 'parameters.typical_p',
  'sampling.seed': 'parameters.seed',
  'sampling.frequencyPenalty': 'parameters.frequency_penalty',
  'sampling.repetitionPenalty': 'parameters.repetition_penalty',
} as const;

/** A request → the call. Throws InvalidInputError for what contradicts itself, or what no engine can be asked for. */
export function toTgiCall({ inputs, parameters }: GenerateRequest, context: TgiRequestContext): TgiCall {
  const given = parameters ?? {};
  refuse(given, context);
  // As in that server: a request without `parameters` samples; with `parameters` only where they ask for it.
  const samples = !parameters || given.do_sample === true || isWarped(given);
  const bestOf = given.best_of ?? 1;
  if (bestOf > 1 && !samples && given.temperature == null && given.top_p == null) {
    throw wrong('best_of', 'you must use sampling when `best_of` is > 1; send do_sample: true');
  }
  const seed = samples && bestOf === 1 ? (given.seed ?? context.randomSeed) % 2 ** 53 : undefined;
  const prefill = given.decoder_input_details === true;
  const details = given.details === true || (prefill && !context.stream);
  const topTokens = given.top_n_tokens ?? 0;
  return {
    input: {
      prompt: { text: inputs },
      choices: bestOf,
      truncate: given.truncate ?? undefined,
      maxTokens: given.max_new_tokens ?? undefined,
      stop: given.stop?.length ? given.stop : undefined,
      includeStop: true,
      echo: prefill ? true : undefined,
      sampling: toTgiSampling(given, samples, seed),
      // Every event of a stream names its token, and the best sequence is found by its probability.
      logprobs: context.stream || details || bestOf > 1 ? topTokens : undefined,
      format: given.grammar ? toFormat(given.grammar) : undefined,
    },
    seed: seed ?? null,
    details,
    topTokens: topTokens > 0,
    opening: (given.return_full_text ?? context.fullText) ? inputs : '',
  };
}

function isWarped({ temperature, top_k, top_p, typical_p }: GenerateParameters): boolean {
  return (temperature ?? 1) !== 1 || top_k != null || (top_p ?? 1) < 1 || (typical_p ?? 1) < 1;
}

/** That server's defaults, not the model's: temperature 1, all tokens, no penalties. */
function toTgiSampling(given: GenerateParameters, samples: boolean, seed: number | undefined): Sampling {
  return {
    temperature: samples ? (given.temperature ?? 1) : 0,
    ...(samples && {
      topP: given.top_p ?? 1,
      topK: given.top_k ?? undefined,
      typicalP: given.typical_p ?? undefined,
      seed,
    }),
    frequencyPenalty: given.frequency_penalty ?? undefined,
    repetitionPenalty: given.repetition_penalty ?? 1,
  };
}

function toFormat(grammar: Grammar): OutputFormat {
  if (grammar.type === 'regex') return { type: 'regex', pattern: grammar.value };
  return { type: 'json-schema', schema: grammar.type === 'json' ? grammar.value : grammar.value.schema };
}

function refuse(given: GenerateParameters, { stream, maxBestOf, maxInputTokens }: TgiRequestContext): void {
  const bestOf = given.best_of ?? 1;
  if (stream && bestOf !== 1) throw wrong('best_of', '`best_of` != 1 is not supported when streaming tokens');
  if (stream && given.decoder_input_details) {
    throw wrong('decoder_input_details', '`decoder_input_details` == true is not supported when streaming tokens');
  }
  if (bestOf > maxBestOf) throw wrong('best_of', `\`best_of\` must be > 0 and <= ${maxBestOf}. Given: ${bestOf}`);
  if (bestOf > 1 && given.seed != null) throw wrong('seed', '`seed` must not be set when `best_of` > 1');
  if ((given.truncate ?? 0) > maxInputTokens) {
    const limit = `\`truncate\` must be strictly positive and less than or equal to ${maxInputTokens}`;
    throw wrong('truncate', `${limit}. Given: ${given.truncate}`);
  }
  if (given.watermark) throw unsupported('watermark');
}

function wrong(name: string, message: string): InvalidInputError {
  return new InvalidInputError(`${message}.`, { param: `parameters.${name}` });
}

function unsupported(name: string): InvalidInputError {
  return new InvalidInputError('This service cannot honour it. Leave it out.', {
    param: `parameters.${name}`,
    code: 'XIM_UNSUPPORTED_PARAMETER',
  });
}
