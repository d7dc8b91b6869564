import type { GenerateInput, Sampling } from '@xim/engine';
import type { SamplingRequest } from '@xim/openai-schema';

/** Names of what chat and completions share: of the task's input → of the request, for what an engine finds wrong. */
export const samplingParamNames = {
  choices: 'n',
  ignoreEnd: 'ignore_eos',
  'sampling.temperature': 'temperature',
  'sampling.topP': 'top_p',
  'sampling.topK': 'top_k',
  stopTokens: 'stop_token_ids',
  minTokens: 'min_tokens',
  truncate: 'truncate_prompt_tokens',
  promptLogprobs: 'prompt_logprobs',
  'sampling.minP': 'min_p',
  'sampling.typicalP': 'typical_p',
  'sampling.allowedTokens': 'allowed_token_ids',
  'sampling.bannedTexts': 'bad_words',
  'sampling.seed': 'seed',
  'sampling.presencePenalty': 'presence_penalty',
  'sampling.frequencyPenalty': 'frequency_penalty',
  'sampling.repetitionPenalty': 'repetition_penalty',
  'sampling.logitBias': 'logit_bias',
} as const;

/** Absent and null mean the model's own default; a `top_k` below 1 means all tokens. */
export function toSampling(request: Omit<SamplingRequest, 'prompt_logprobs' | 'return_token_ids'>): Sampling {
  return {
    temperature: request.temperature ?? undefined,
    topP: request.top_p ?? undefined,
    topK: request.top_k == null ? undefined : Math.max(0, request.top_k),
    seed: request.seed == null ? undefined : toSeed(request.seed),
    presencePenalty: request.presence_penalty ?? undefined,
    frequencyPenalty: request.frequency_penalty ?? undefined,
    minP: request.min_p ?? undefined,
    typicalP: request.typical_p ?? undefined,
    allowedTokens: request.allowed_token_ids ?? undefined,
    bannedTexts: request.bad_words?.length ? request.bad_words : undefined,
    repetitionPenalty: request.repetition_penalty ?? request.repeat_penalty ?? undefined,
    logitBias: Object.keys(request.logit_bias ?? {}).length > 0 ? request.logit_bias! : undefined,
  };
}

/** Where a text ends. */
export function toEnding(
  request: Pick<
    SamplingRequest,
    | 'stop'
    | 'include_stop_str_in_output'
    | 'no_stop_trim'
    | 'stop_token_ids'
    | 'min_tokens'
    | 'min_new_tokens'
    | 'ignore_eos'
  >,
): Pick<GenerateInput, 'stop' | 'includeStop' | 'stopTokens' | 'minTokens' | 'ignoreEnd'> {
  const { stop } = request;
  return {
    stop: typeof stop === 'string' ? [stop] : (stop ?? undefined),
    includeStop: request.include_stop_str_in_output ?? request.no_stop_trim ?? undefined,
    stopTokens: request.stop_token_ids?.length ? request.stop_token_ids : undefined,
    minTokens: (request.min_tokens ?? request.min_new_tokens) || undefined,
    ignoreEnd: request.ignore_eos ?? undefined,
  };
}

/** The reports on the prompt and on all tokens. */
export function toReport(
  request: Pick<SamplingRequest, 'truncate_prompt_tokens' | 'prompt_logprobs' | 'return_token_ids'>,
): Pick<GenerateInput, 'truncate' | 'promptLogprobs' | 'tokenIds'> {
  return {
    truncate: request.truncate_prompt_tokens ?? undefined,
    promptLogprobs: request.prompt_logprobs ?? undefined,
    tokenIds: request.return_token_ids || undefined,
  };
}

/** OpenAI's seeds are any 64-bit integers, the task's are not negative: each negative one gets a number of its own. */
function toSeed(seed: number): number {
  const size = 2 ** 53;
  const rest = seed % size;
  return rest < 0 ? rest + size : rest;
}
