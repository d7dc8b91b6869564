import type { Usage } from '@xim/engine';
import type { BestOfSequence, GenerateResponse } from '@xim/tgi-schema';
import type { TgiCall } from './request.ts';
import type { TgiSequence } from './sequence.ts';

/** Everything that came of a call. */
export interface TgiOutcome {
  readonly sequences: readonly TgiSequence[];
  readonly inputTokens: number;
  readonly usage: Usage;
}

/** The answer, and how many tokens it has. */
export function toTgiResponse(call: TgiCall, outcome: TgiOutcome): { response: GenerateResponse; tokens: number } {
  const { sequences, usage } = outcome;
  const best = sequences.reduce((a, b) => (b.meanLogprob > a.meanLogprob ? b : a));
  // The engine's own sum also holds a token that stands for no text, such as the end of a turn.
  const whole = sequences.length === 1 ? usage.outputTokens : undefined;
  const chosen = toSequence(call, best, whole);
  const { generated_text, ...told } = chosen;
  const others = sequences.filter((one) => one !== best).map((one) => toSequence(call, one, undefined));
  const details = { ...told, ...(others.length > 0 && { best_of_sequences: others }) };
  return {
    response: { generated_text, ...(call.details && { details }) },
    tokens: told.generated_tokens,
  };
}

function toSequence(call: TgiCall, sequence: TgiSequence, tokens: number | undefined): BestOfSequence {
  const steps = sequence.take();
  return {
    generated_text: call.opening + sequence.text,
    finish_reason: sequence.finish,
    generated_tokens: tokens ?? steps.length,
    seed: call.seed,
    prefill: [...sequence.prefill],
    tokens: steps.map(({ token }) => token),
    ...(call.topTokens && { top_tokens: steps.map(({ top }) => [...top]) }),
  };
}
