import type { GenerateEvent, GenerateInput, Prompt } from '@xim/engine';
import type { CompletionRequest } from '@xim/openai-schema';
import { refusal } from '../../errors/errors.ts';
import { toAskedFormat } from '../output-format.ts';
import { samplingParamNames, toEnding, toReport, toSampling } from '../sampling.ts';

/** Names of the task's input → names of the request, for what an engine finds wrong. */
export const completionParamNames = {
  ...samplingParamNames,
  'prompt.text': 'prompt',
  'prompt.tokens': 'prompt',
  'prompt.*.text': 'prompt.*',
  'prompt.*.tokens': 'prompt.*',
  'prompt.suffix': 'suffix',
  'prompt.*.suffix': 'suffix',
  maxTokens: 'max_tokens',
} as const;

/** OpenAI's default, which is as short as it is old. */
const DEFAULT_MAX_TOKENS = 16;

/**
 * A completion request → one input per prompt.
 *
 * A task generates at least one token. Where none is asked for, one is, and `toPromptAlone` leaves it out of the answer.
 */
export function toCompletionInputs(request: CompletionRequest): GenerateInput[] {
  const bestOf = toBestOf(request);
  const input: Omit<GenerateInput, 'prompt'> = {
    choices: bestOf,
    maxTokens: Math.max(1, request.max_tokens ?? DEFAULT_MAX_TOKENS),
    ...toEnding(request),
    ...toReport(request),
    echo: request.echo ?? undefined,
    sampling: toSampling(request),
    logprobs: request.logprobs ?? (bestOf > (request.n ?? 1) ? 0 : undefined),
    format: toAskedFormat(request)?.format,
  };
  return toPrompts(request).map((prompt) => ({ prompt, ...input }));
}

/** Choices to generate per prompt. */
export function toBestOf({ best_of: bestOf, n }: CompletionRequest): number {
  return bestOf || (n ?? 1);
}

function toPrompts({ prompt, suffix }: CompletionRequest): Prompt[] {
  const given = prompt ?? '';
  const items = Array.isArray(given) && typeof given[0] !== 'number' ? (given as (string | number[])[]) : [given];
  return items.map((item) => {
    if (typeof item === 'string') return { text: item, ...(suffix && { suffix }) };
    if (suffix) throw refusal('suffix', '"suffix" goes with a prompt that is text', 'Send the prompt as text');
    return { tokens: item as number[] };
  });
}

/** A call of one token per choice as if none had been asked for: what is left is the echo of the prompt. */
export async function* toPromptAlone(events: AsyncIterable<GenerateEvent>): AsyncGenerator<GenerateEvent> {
  const begun = new Set<number>();
  for await (const event of events) {
    if (event.type === 'choice-end') {
      const { choice, tokens } = event;
      yield { type: 'choice-end', choice, reason: 'length', ...(tokens && { tokens: { ...tokens, output: [] } }) };
    } else if (event.type === 'end') {
      yield { type: 'end', usage: { ...event.usage, outputTokens: 0 } };
    } else if ('choice' in event && event.type !== 'prompt-logprobs') {
      // The prompt's own text stands for no tokens and comes before all that does.
      const isEcho = event.type === 'text-delta' && event.tokens === 0 && !begun.has(event.choice);
      if (isEcho) yield event;
      else begun.add(event.choice);
    } else yield event;
  }
}
