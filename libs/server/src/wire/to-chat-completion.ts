import { EngineRequestError, type GenerateEvent, type TokenLogprob, type Usage } from '@xim/engine';
import type { ChatCompletion, FinishReason } from '@xim/openai-schema';
import { type ChatHead, toUsage } from './chat-head.ts';
import { finishReasons, toChatLogprobs } from './to-chat-logprobs.ts';

type Choice = ChatCompletion['choices'][number];

/** Everything that was generated, per choice. */
export interface Generated {
  readonly choices: readonly GeneratedChoice[];
  readonly usage: Usage;
}

interface GeneratedChoice {
  text: string;
  reasoning: string;
  readonly calls: { id: string; name: string; arguments: string }[];
  logprobs: TokenLogprob[] | undefined;
  end: FinishReason | undefined;
}

/** Joins a call's events. Throws what the call throws, and EngineRequestError when it ends before its `end` event. */
export async function joinGenerated(events: AsyncIterable<GenerateEvent>, count: number): Promise<Generated> {
  const choices = Array.from({ length: count }, (): GeneratedChoice => {
    return { text: '', reasoning: '', calls: [], logprobs: undefined, end: undefined };
  });
  for await (const event of events) {
    if (event.type === 'end') return { choices, usage: event.usage };
    if ('choice' in event) addTo(choices[event.choice]!, event);
  }
  throw new EngineRequestError('The engine ended the call without its end event.');
}

function addTo(choice: GeneratedChoice, event: Extract<GenerateEvent, { choice: number }>): void {
  switch (event.type) {
    case 'text-delta':
    case 'reasoning-delta':
      if (event.logprobs) (choice.logprobs ??= []).push(...event.logprobs);
      if (event.type === 'text-delta') choice.text += event.text;
      else choice.reasoning += event.text;
      break;
    case 'tool-call':
      choice.calls[event.call] = { id: event.id, name: event.name, arguments: '' };
      break;
    case 'tool-call-delta':
      choice.calls[event.call]!.arguments += event.arguments;
      break;
    case 'choice-end':
      choice.end = finishReasons[event.reason];
      break;
  }
}

export function toChatCompletion(head: ChatHead, { choices, usage }: Generated): ChatCompletion {
  const { id, created, model, fingerprint } = head;
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    system_fingerprint: fingerprint,
    choices: choices.map(toChoice),
    usage: toUsage(usage),
  };
}

function toChoice({ text, reasoning, calls, logprobs, end }: GeneratedChoice, index: number): Choice {
  return {
    index,
    message: {
      role: 'assistant',
      content: text === '' && calls.length > 0 ? null : text,
      refusal: null,
      ...(reasoning !== '' && { reasoning_content: reasoning }),
      ...(calls.length > 0 && {
        tool_calls: calls.map(({ id, ...call }) => ({ id, type: 'function' as const, function: call })),
      }),
    },
    logprobs: logprobs ? toChatLogprobs(logprobs) : null,
    finish_reason: end ?? 'stop',
  };
}
