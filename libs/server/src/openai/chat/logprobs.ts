import type { GenerateEvent, TokenLogprob } from '@xim/engine';
import type { ChatLogprobs, FinishReason } from '@xim/openai-schema';

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
