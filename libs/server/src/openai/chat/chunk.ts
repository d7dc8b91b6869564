import type { GenerateEvent, TokenLogprob } from '@xim/engine';
import type { ChatDelta } from '@xim/openai-schema';
import { type AnswerHead, toUsage } from '../answer-head.ts';
import { toEnvelope, toLine } from '../chunk-text.ts';
import { finishReasons, toChatLogprobs } from './response.ts';

/** One answer's constant JSON. A chunk of text is made by joining three strings: this runs for every token. */
export interface ChunkShape {
  /** Up to and with `"choices":[`. */
  readonly opening: string;
  /** After the choices. */
  readonly closing: string;
  /** Per choice, from the start of the chunk up to the text. */
  readonly textOpening: readonly string[];
  readonly textClosing: string;
  readonly choices: number;
  readonly includeUsage: boolean;
}

export function toChunkShape(head: AnswerHead, choices: number, includeUsage: boolean): ChunkShape {
  const { opening, closing } = toEnvelope('chat.completion.chunk', head, includeUsage);
  return {
    opening,
    closing,
    textOpening: Array.from({ length: choices }, (_, i) => `${opening}{"index":${i},"delta":{"content":`),
    textClosing: `},"logprobs":null,"finish_reason":null}${closing}`,
    choices,
    includeUsage,
  };
}

/**
 * An event → the JSON texts of its chunks, each a `ChatCompletionChunk`; none for an event that clients are not told
 * of. `start` gives each choice its role and the first chunk the prompt's tokens, `end` gives the usage where it was asked for.
 */
export function toChatChunk(shape: ChunkShape, event: GenerateEvent): readonly string[] {
  switch (event.type) {
    case 'text-delta':
      if (event.logprobs) return [chunk(shape, event.choice, { content: event.text }, event.logprobs)];
      if (event.text === '') return [];
      return [`${shape.textOpening[event.choice]}${toLine(event.text)}${shape.textClosing}`];
    case 'reasoning-delta':
      if (event.text === '') return [];
      return [chunk(shape, event.choice, { reasoning_content: event.text }, event.logprobs)];
    case 'tool-call': {
      const { choice, call, id, name } = event;
      return [toolChunk(shape, choice, { index: call, id, type: 'function', function: { name, arguments: '' } })];
    }
    case 'tool-call-delta':
      return [toolChunk(shape, event.choice, { index: event.call, function: { arguments: event.arguments } })];
    case 'choice-end':
      return [chunk(shape, event.choice, {}, undefined, finishReasons[event.reason], event.tokens?.output)];
    case 'start': {
      const first: ChatDelta = { role: 'assistant', content: '', refusal: null };
      const [opening, ...others] = Array.from({ length: shape.choices }, (_, choice) => chunk(shape, choice, first));
      if (!event.promptTokens) return [opening!, ...others];
      const behind = `,"prompt_token_ids":${JSON.stringify(event.promptTokens[0])}${shape.closing.slice(1)}`;
      return [`${opening!.slice(0, 1 - shape.closing.length)}${behind}`, ...others];
    }
    case 'end':
      return shape.includeUsage ? [`${shape.opening}],"usage":${JSON.stringify(toUsage(event.usage))}}`] : [];
    default:
      return [];
  }
}

function toolChunk(shape: ChunkShape, choice: number, call: NonNullable<ChatDelta['tool_calls']>[number]): string {
  return chunk(shape, choice, { tool_calls: [call] });
}

function chunk(
  shape: ChunkShape,
  index: number,
  delta: ChatDelta,
  logprobs?: readonly TokenLogprob[],
  finishReason: string | null = null,
  tokens?: readonly number[],
): string {
  const choice = {
    index,
    delta,
    logprobs: logprobs ? toChatLogprobs(logprobs) : null,
    finish_reason: finishReason,
    ...(tokens && { token_ids: tokens }),
  };
  return `${shape.opening}${toLine(choice)}${shape.closing}`;
}
