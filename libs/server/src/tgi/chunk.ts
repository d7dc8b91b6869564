import type { GenerateEvent } from '@xim/engine';
import type { StreamResponse } from '@xim/tgi-schema';
import { toLine } from '../openai/chunk-text.ts';
import type { TgiCall } from './request.ts';
import { createTgiSequence, type TgiSequence, type TgiStep } from './sequence.ts';

/** The state of one stream. */
export interface TgiStream {
  readonly call: TgiCall;
  readonly sequence: TgiSequence;
  inputTokens: number;
  /** Of the last token that was sent; the first is 1. */
  index: number;
}

export function createTgiStream(call: TgiCall): TgiStream {
  return { call, sequence: createTgiSequence(), inputTokens: 0, index: 0 };
}

/** The event of a stream needs a token also where the model ended before its first one. */
const noToken: TgiStep = { token: { id: 0, text: '', logprob: 0, special: true }, top: [] };

/** An event of the engine → the JSON of the stream's events: one per token. The last token waits for the end of its call. */
export function toTgiEvents(stream: TgiStream, event: GenerateEvent): string[] {
  const { call, sequence } = stream;
  switch (event.type) {
    case 'start':
      stream.inputTokens = event.inputTokens;
      return [];
    case 'text-delta':
    case 'reasoning-delta':
      sequence.add(event);
      return sequence.take().map((step) => toLine(toEvent(stream, step)));
    case 'choice-end':
      sequence.end(event);
      return [];
    case 'end': {
      const steps = sequence.take();
      const last = steps.pop() ?? noToken;
      const before = steps.map((step) => toLine(toEvent(stream, step)));
      const whole: StreamResponse = {
        ...toEvent(stream, last),
        generated_text: call.opening + sequence.text,
        details: call.details
          ? {
              finish_reason: sequence.finish,
              generated_tokens: event.usage.outputTokens,
              seed: call.seed,
              input_length: stream.inputTokens,
            }
          : null,
      };
      return [...before, toLine(whole)];
    }
    default:
      return [];
  }
}

function toEvent(stream: TgiStream, { token, top }: TgiStep): StreamResponse {
  stream.index += 1;
  const { index, call } = stream;
  return { index, token, ...(call.topTokens && { top_tokens: [...top] }), generated_text: null, details: null };
}
