import type { GenerateEvent, TokenLogprob } from '@xim/engine';
import type { CompletionChunk } from '@xim/openai-schema';
import { type AnswerHead, toUsage } from '../answer-head.ts';
import { toEnvelope, toLine } from '../chunk-text.ts';
import { completionReasons, type TextPlace, toCompletionLogprobs } from './response.ts';

type Choice = CompletionChunk['choices'][number];

/** One answer's constant JSON, and how far each choice has come. */
export interface CompletionChunkShape {
  readonly opening: string;
  readonly closing: string;
  readonly textOpening: readonly string[];
  readonly textClosing: string;
  /** By choice, where its next token begins. */
  readonly places: readonly TextPlace[];
  /** By choice, the prompt's tokens where its next chunk is to tell them. */
  readonly promptTokens: Map<number, readonly number[]>;
  readonly includeUsage: boolean;
}

/** @param places by choice, where its first token begins; known at the latest with the call's first event. */
export function toCompletionChunkShape(
  head: AnswerHead,
  places: readonly TextPlace[],
  includeUsage: boolean,
): CompletionChunkShape {
  const envelope = toEnvelope('text_completion', head, includeUsage);
  return {
    ...envelope,
    textOpening: places.map((_, i) => `${envelope.opening}{"index":${i},"text":`),
    textClosing: `,"logprobs":null,"finish_reason":null}${envelope.closing}`,
    places,
    promptTokens: new Map(),
    includeUsage,
  };
}

/** An event → the JSON texts of its chunks, each a `CompletionChunk`; none for an event that clients are not told of. */
export function toCompletionChunk(shape: CompletionChunkShape, event: GenerateEvent): readonly string[] {
  switch (event.type) {
    case 'text-delta':
    case 'reasoning-delta': // completions know no reasoning: it is text
      if (event.logprobs) return [chunk(shape, event.choice, event.text, event.logprobs)];
      if (event.text === '') return [];
      if (shape.promptTokens.has(event.choice)) return [chunk(shape, event.choice, event.text)];
      return [`${shape.textOpening[event.choice]}${toLine(event.text)}${shape.textClosing}`];
    case 'choice-end':
      return [chunk(shape, event.choice, '', undefined, completionReasons[event.reason], event.tokens?.output)];
    case 'start': {
      const { promptTokens: prompts = [] } = event;
      const each = shape.places.length / prompts.length;
      prompts.forEach((ids, i) => {
        for (let choice = i * each; choice < (i + 1) * each; choice++) shape.promptTokens.set(choice, ids);
      });
      return [];
    }
    case 'end':
      return shape.includeUsage ? [`${shape.opening}],"usage":${JSON.stringify(toUsage(event.usage))}}`] : [];
    default:
      return [];
  }
}

function chunk(
  shape: CompletionChunkShape,
  index: number,
  text: string,
  logprobs?: readonly TokenLogprob[],
  finishReason: Choice['finish_reason'] = null,
  tokens?: readonly number[],
): string {
  const prompt = shape.promptTokens.get(index);
  shape.promptTokens.delete(index);
  const choice: Choice = {
    index,
    text,
    logprobs: logprobs ? toCompletionLogprobs(logprobs, shape.places[index]!) : null,
    finish_reason: finishReason,
    ...(prompt && { prompt_token_ids: [...prompt] }),
    ...(tokens && { token_ids: [...tokens] }),
  };
  return `${shape.opening}${toLine(choice)}${shape.closing}`;
}
