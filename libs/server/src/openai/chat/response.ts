import type { GenerateEvent, TokenLogprob } from '@xim/engine';
import type { ChatCompletion, ChatLogprobs, FinishReason } from '@xim/openai-schema';
import type { Generated, GeneratedChoice } from '../../generate/join.ts';
import { toPromptReport } from '../prompt-report.ts';
import { type AnswerHead, toUsage } from '../answer-head.ts';

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
    ...toPromptReport(choices[0]!),
  };
}

function toChoice({ text, reasoning, calls, logprobs, reason, tokens }: GeneratedChoice, index: number): Choice {
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
    ...(tokens && { token_ids: [...tokens.output] }),
  };
}

type LogprobEntry = NonNullable<ChatLogprobs['content']>[number];

export function toChatLogprobs(logprobs: readonly TokenLogprob[]): ChatLogprobs {
  return { content: logprobs.map(toEntry), refusal: null };
}

function toEntry({ token, bytes, logprob, top }: TokenLogprob): LogprobEntry {
  return {
    token,
    logprob: logprob ?? 0, // a conversation is never echoed
    bytes: [...bytes],
    top_logprobs: top.map((one) => ({ token: one.token, logprob: one.logprob, bytes: [...one.bytes] })),
  };
}

type EndReason = Extract<GenerateEvent, { type: 'choice-end' }>['reason'];

/** The engine's three reasons in OpenAI's words. */
export const finishReasons: Readonly<Record<EndReason, FinishReason>> = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'tool_calls',
};
