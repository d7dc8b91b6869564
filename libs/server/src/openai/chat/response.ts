import type { ChatCompletion } from '@xim/openai-schema';
import type { Generated, GeneratedChoice } from '../../generate/join.ts';
import { type AnswerHead, toUsage } from '../answer-head.ts';
import { finishReasons, toChatLogprobs } from './logprobs.ts';

type Choice = ChatCompletion['choices'][number];

export function toChatCompletion(head: AnswerHead, { choices, usage }: Generated): ChatCompletion {
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

function toChoice({ text, reasoning, calls, logprobs, reason }: GeneratedChoice, index: number): Choice {
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
    finish_reason: finishReasons[reason],
  };
}
