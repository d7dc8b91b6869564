import { randomUUID } from 'node:crypto';
import type { GenerateEvent } from '@xim/engine';
import type { ResponseObject, ResponseOutputItem, ResponseStreamEvent } from '@xim/openai-schema';
import { toResponseLogprob, toResponseUsage } from './response.ts';

/** Without the number, which the writer gives. */
type Unnumbered = ResponseStreamEvent extends infer Event
  ? Event extends ResponseStreamEvent
    ? Omit<Event, 'sequence_number'>
    : never
  : never;
type Item<Type extends ResponseOutputItem['type']> = Extract<ResponseOutputItem, { type: Type }>;

export interface ResponseWriter {
  /** An event of the call → the events of the stream; changes `response`. */
  write(event: GenerateEvent): readonly ResponseStreamEvent[];
  /** The number of the next event, which is the stream's last. */
  readonly nextNumber: number;
  /** The response as far as it is known. */
  readonly response: ResponseObject;
}

const newId = (prefix: string): string => `${prefix}_${randomUUID().replaceAll('-', '')}`;

/**
 * Makes the items of one response out of the events of its call. Items are written one after the other: one that
 * begins ends the one before. Streamed and whole answers are made here alike.
 */
export function createResponseWriter(open: ResponseObject): ResponseWriter {
  let response = open;
  let number = 0;
  /** The item that is being written, and the place of each call's item. */
  let current: ResponseOutputItem | undefined;
  const callPlaces = new Map<number, number>();
  let cut = false;

  const numbered = (events: readonly Unnumbered[]): ResponseStreamEvent[] =>
    events.map((event) => ({ ...event, sequence_number: number++ }) as ResponseStreamEvent);
  const place = (): number => response.output.length - 1;

  function begin(item: ResponseOutputItem): Unnumbered[] {
    const ended = end('completed');
    current = item;
    response.output.push(item);
    const added: Unnumbered = {
      type: 'response.output_item.added',
      item: structuredClone(item),
      output_index: place(),
    };
    if (item.type === 'function_call') return [...ended, added];
    const part = { item_id: item.id, output_index: place(), content_index: 0 };
    const content = item.type === 'message' ? toTextPart() : { type: 'reasoning_text' as const, text: '' };
    item.content.push(content as never);
    return [...ended, added, { type: 'response.content_part.added', ...part, part: structuredClone(content) }];
  }

  function end(status: 'completed' | 'incomplete'): Unnumbered[] {
    if (!current) return [];
    const item = current;
    current = undefined;
    item.status = status;
    const at = { item_id: item.id, output_index: place() };
    const done: Unnumbered = { type: 'response.output_item.done', item, output_index: place() };
    if (item.type === 'function_call') {
      const { name, arguments: json } = item;
      return [{ type: 'response.function_call_arguments.done', ...at, name, arguments: json }, done];
    }
    const part = item.content[0]!;
    const inside = { ...at, content_index: 0 };
    const text: Unnumbered =
      part.type === 'output_text'
        ? { type: 'response.output_text.done', ...inside, text: part.text, logprobs: part.logprobs }
        : { type: 'response.reasoning_text.done', ...inside, text: part.text };
    return [text, { type: 'response.content_part.done', ...inside, part }, done];
  }

  function write(event: GenerateEvent): Unnumbered[] {
    switch (event.type) {
      case 'start':
        return [
          { type: 'response.created', response: structuredClone(response) },
          { type: 'response.in_progress', response: structuredClone(response) },
        ];
      case 'text-delta': {
        const logprobs = (event.logprobs ?? []).map(toResponseLogprob);
        if (event.text === '' && logprobs.length === 0) return [];
        const begun = current?.type === 'message' ? [] : begin(toMessage());
        const item = current as Item<'message'>;
        item.content[0]!.text += event.text;
        item.content[0]!.logprobs.push(...logprobs);
        const at = { item_id: item.id, output_index: place(), content_index: 0 };
        return [...begun, { type: 'response.output_text.delta', ...at, delta: event.text, logprobs }];
      }
      case 'reasoning-delta': {
        if (event.text === '') return [];
        const begun = current?.type === 'reasoning' ? [] : begin(toReasoning());
        const item = current as Item<'reasoning'>;
        item.content[0]!.text += event.text;
        const at = { item_id: item.id, output_index: place(), content_index: 0 };
        return [...begun, { type: 'response.reasoning_text.delta', ...at, delta: event.text }];
      }
      case 'tool-call': {
        const begun = begin(toFunctionCall(event.id, event.name));
        callPlaces.set(event.call, place());
        return begun;
      }
      case 'tool-call-delta': {
        const index = callPlaces.get(event.call)!;
        const item = response.output[index] as Item<'function_call'>;
        item.arguments += event.arguments;
        const at = { item_id: item.id, output_index: index };
        return [{ type: 'response.function_call_arguments.delta', ...at, delta: event.arguments }];
      }
      case 'choice-end': {
        cut = event.reason === 'length';
        // A whole answer has a message, even an empty one.
        const begun = response.output.some(({ type }) => type !== 'reasoning') || cut ? [] : begin(toMessage());
        return [...begun, ...end(cut ? 'incomplete' : 'completed')];
      }
      case 'end': {
        const status = cut ? 'incomplete' : 'completed';
        response = {
          ...response,
          status,
          completed_at: cut ? null : Math.floor(Date.now() / 1000),
          incomplete_details: cut ? { reason: 'max_output_tokens' } : null,
          usage: toResponseUsage(event.usage),
        };
        return [{ type: `response.${status}`, response }];
      }
      default:
        return [];
    }
  }

  return {
    write: (event) => numbered(write(event)),
    get nextNumber() {
      return number;
    },
    get response() {
      return response;
    },
  };
}

const toTextPart = () => ({ type: 'output_text' as const, text: '', annotations: [], logprobs: [] });

function toMessage(): Item<'message'> {
  return { type: 'message', id: newId('msg'), role: 'assistant', status: 'in_progress', content: [] };
}

function toReasoning(): Item<'reasoning'> {
  return { type: 'reasoning', id: newId('rs'), status: 'in_progress', summary: [], content: [] };
}

function toFunctionCall(callId: string, name: string): Item<'function_call'> {
  return { type: 'function_call', id: newId('fc'), call_id: callId, name, arguments: '', status: 'in_progress' };
}
