import type { TokenLogprob } from '@xim/engine';
import type { PromptLogprobs } from '@xim/openai-schema';
import type { GeneratedChoice } from '../generate/join.ts';

/** The reports on a prompt that extension fields ask for; empty where no field asks. */
export function toPromptReport({ promptLogprobs, tokens }: Pick<GeneratedChoice, 'promptLogprobs' | 'tokens'>): {
  prompt_logprobs?: PromptLogprobs;
  prompt_token_ids?: number[];
} {
  return {
    ...(promptLogprobs && { prompt_logprobs: promptLogprobs.map(toPromptToken) }),
    ...(tokens && { prompt_token_ids: [...tokens.prompt] }),
  };
}

function toPromptToken(entry: TokenLogprob): PromptLogprobs[number] {
  const { id, logprob, token, top } = entry;
  if (logprob === null) return null;
  const alternatives = top.map((one, at) => [one.id, { logprob: one.logprob, rank: at + 1, decoded_token: one.token }]);
  const own = { logprob, rank: null, decoded_token: token };
  return { [id]: own, ...(Object.fromEntries(alternatives) as Record<string, typeof own>) };
}
