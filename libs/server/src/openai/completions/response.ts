import type { TokenLogprob } from '@xim/engine';
import type { Completion } from '@xim/openai-schema';
import type { Generated, GeneratedChoice } from '../../generate/join.ts';
import { type AnswerHead, toUsage } from '../answer-head.ts';
import { completionReasons } from './chunk.ts';
import { toCompletionLogprobs, type TextPlace } from './logprobs.ts';

export interface CompletionShape {
  readonly head: AnswerHead;
  /** Choices generated per prompt, and how many of them are answered. */
  readonly bestOf: number;
  readonly n: number;
  /** By generated choice, where its first token begins. */
  readonly places: readonly TextPlace[];
  /** Whether probabilities were asked for. */
  readonly logprobs: boolean;
}

export function toCompletion(shape: CompletionShape, { choices, usage }: Generated): Completion {
  const { head, bestOf, n, places, logprobs } = shape;
  const { id, created, model, fingerprint } = head;
  return {
    id,
    object: 'text_completion',
    created,
    model,
    system_fingerprint: fingerprint,
    choices: answered(choices, bestOf, n).map((number, index) => {
      const choice = choices[number]!;
      return {
        index,
        text: choice.text,
        logprobs: logprobs ? toCompletionLogprobs(choice.logprobs ?? [], { ...places[number]! }) : null,
        finish_reason: completionReasons[choice.reason],
      };
    }),
    usage: toUsage(usage),
  };
}

/** The numbers of the choices that are answered: of each prompt's, those whose tokens are the most probable on average. */
function answered(choices: readonly GeneratedChoice[], bestOf: number, n: number): number[] {
  const numbers = [...choices.keys()];
  if (bestOf === n) return numbers;
  const means = choices.map(({ logprobs }) => meanLogprob(logprobs ?? []));
  const ofPrompt = (prompt: number) => numbers.slice(prompt * bestOf, (prompt + 1) * bestOf);
  return Array.from({ length: choices.length / bestOf }, (_, prompt) =>
    ofPrompt(prompt)
      .sort((a, b) => means[b]! - means[a]!)
      .slice(0, n),
  ).flat();
}

function meanLogprob(logprobs: readonly TokenLogprob[]): number {
  if (logprobs.length === 0) return 0;
  return logprobs.reduce((sum, { logprob }) => sum + (logprob ?? 0), 0) / logprobs.length;
}
