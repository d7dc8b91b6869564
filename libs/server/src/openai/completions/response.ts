import type { GenerateEvent, TokenChance, TokenLogprob } from '@xim/engine';
import type { Completion, CompletionLogprobs } from '@xim/openai-schema';
import type { Generated, GeneratedChoice } from '../../generate/join.ts';
import { toPromptReport } from '../prompt-report.ts';
import { type AnswerHead, toUsage } from '../answer-head.ts';

type Choice = Completion['choices'][number];

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
        // Each choice of a prompt tells of it; the engine tells of its probabilities once.
        ...toPromptReport({ ...choice, promptLogprobs: choices[number - (number % bestOf)]!.promptLogprobs }),
        ...(choice.tokens && { token_ids: [...choice.tokens.output] }),
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

type EndReason = Extract<GenerateEvent, { type: 'choice-end' }>['reason'];

/** The engine's three reasons in the words of completions, which know no tools. */
export const completionReasons: Readonly<Record<EndReason, NonNullable<Choice['finish_reason']>>> = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'stop',
};

/** Where the next token of a choice begins, in characters (Unicode code points) from the prompt's beginning. */
export interface TextPlace {
  offset: number;
}

/** Tokens in a row → parallel lists; moves `place` behind them. */
export function toCompletionLogprobs(logprobs: readonly TokenLogprob[], place: TextPlace): CompletionLogprobs {
  return {
    tokens: logprobs.map(toName),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map((entry) => (entry.logprob === null ? null : toAlternatives(entry, entry.logprob))),
    text_offset: logprobs.map(({ bytes }) => {
      const start = place.offset;
      place.offset += bytes.filter(isFirst).length;
      // A token that goes on with a character begins where that character does.
      return bytes.length > 0 && !isFirst(bytes[0]!) ? start - 1 : start;
    }),
  };
}

/** Whether a byte of UTF-8 begins a character. */
const isFirst = (byte: number): boolean => (byte & 0xc0) !== 0x80;

/** The alternatives and the token itself, which may be none of them. */
function toAlternatives(entry: TokenLogprob, logprob: number): Record<string, number> {
  const chances = [...entry.top, { ...entry, logprob }];
  return Object.fromEntries(chances.map((one) => [toName(one), one.logprob]));
}

/** A token that is not whole characters is named by its bytes, as OpenAI does it: several would read alike otherwise. */
function toName({ token, bytes }: Pick<TokenChance, 'token' | 'bytes'>): string {
  if (!token.includes('\uFFFD')) return token;
  return `bytes:${bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`;
}
