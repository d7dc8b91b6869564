import type { GenerateEvent, Usage } from '@xim/engine';
import type { AnswerBlock, MessageAnswer, MessageEvent } from './answer-schema.ts';

export interface MessageWriter {
  /** An event of the call → the events of the stream; changes `message`. */
  write(event: GenerateEvent): readonly MessageEvent[];
  /** The message as far as it is known. Its `stop_reason` is null until the call has ended. */
  readonly message: MessageAnswer;
}

type ChoiceEnd = Extract<GenerateEvent, { type: 'choice-end' }>;

const stopReasons = { stop: 'end_turn', length: 'max_tokens', 'tool-calls': 'tool_use' } as const;

/**
 * Makes the blocks of one message out of the events of its call, one after the other: one that begins ends the one
 * before. Streamed and whole answers are made here alike.
 */
export function createMessageWriter(id: string, model: string): MessageWriter {
  let message: MessageAnswer = {
    ...{ id, type: 'message', role: 'assistant', model, content: [], stop_reason: null, stop_sequence: null },
    usage: toUsage({ inputTokens: 0, outputTokens: 0 }),
  };
  let open: AnswerBlock | undefined;
  /** The JSON of the open call so far. */
  let json = '';
  let ended: ChoiceEnd | undefined;
  const index = (): number => message.content.length - 1;

  function begin(block: AnswerBlock): MessageEvent[] {
    const before = end();
    message.content.push((open = block));
    return [...before, { type: 'content_block_start', index: index(), content_block: structuredClone(block) }];
  }

  function end(): MessageEvent[] {
    if (!open) return [];
    if (open.type === 'tool_use') open.input = toInput(json);
    open = undefined;
    json = '';
    return [{ type: 'content_block_stop', index: index() }];
  }

  function write(event: GenerateEvent): MessageEvent[] {
    switch (event.type) {
      case 'start': {
        const { inputTokens, cachedTokens } = event;
        message = { ...message, usage: toUsage({ inputTokens, outputTokens: 0, cachedTokens }) };
        return [{ type: 'message_start', message: structuredClone(message) }];
      }
      case 'text-delta': {
        if (event.text === '') return [];
        const begun = open?.type === 'text' ? [] : begin({ type: 'text', text: '', citations: null });
        if (open?.type === 'text') open.text += event.text;
        const delta = { type: 'text_delta', text: event.text } as const;
        return [...begun, { type: 'content_block_delta', index: index(), delta }];
      }
      case 'reasoning-delta': {
        if (event.text === '') return [];
        const begun = open?.type === 'thinking' ? [] : begin({ type: 'thinking', thinking: '', signature: '' });
        if (open?.type === 'thinking') open.thinking += event.text;
        const delta = { type: 'thinking_delta', thinking: event.text } as const;
        return [...begun, { type: 'content_block_delta', index: index(), delta }];
      }
      case 'tool-call':
        return begin({ type: 'tool_use', id: event.id, name: event.name, input: {} });
      case 'tool-call-delta': {
        json += event.arguments;
        const delta = { type: 'input_json_delta', partial_json: event.arguments } as const;
        return [{ type: 'content_block_delta', index: index(), delta }];
      }
      case 'choice-end':
        ended = event;
        return end();
      case 'end': {
        const stop = {
          stop_reason: ended?.stop === undefined ? stopReasons[ended?.reason ?? 'stop'] : ('stop_sequence' as const),
          stop_sequence: ended?.stop ?? null,
        };
        message = { ...message, ...stop, usage: toUsage(event.usage) };
        return [{ type: 'message_delta', delta: stop, usage: message.usage }, { type: 'message_stop' }];
      }
      default:
        return [];
    }
  }

  return {
    write,
    get message() {
      return message;
    },
  };
}

/** The API has an object here: JSON that was cut, or that is no object, leaves it empty. */
function toInput(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}

function toUsage({ inputTokens, outputTokens, cachedTokens = 0 }: Usage): MessageAnswer['usage'] {
  return {
    input_tokens: inputTokens - cachedTokens,
    output_tokens: outputTokens,
    cache_read_input_tokens: cachedTokens,
    cache_creation_input_tokens: 0,
  };
}
