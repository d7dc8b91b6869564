import type { DefaultSampling, TokenLogprob, Usage } from '@xim/engine';
import type { ResponseLogprob, ResponseObject, ResponsesRequest, ResponseUsage } from '@xim/openai-schema';
import type { AnswerHead } from '../answer-head.ts';

/** A response that has just begun: what it repeats of its request, and no output. */
export function toOpenResponse(head: AnswerHead, request: ResponsesRequest, defaults: DefaultSampling): ResponseObject {
  return {
    id: head.id,
    object: 'response',
    created_at: head.created,
    completed_at: null,
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    model: head.model,
    output: [],
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    tools: request.tools ?? [],
    tool_choice: request.tool_choice ?? 'auto',
    text: { format: request.text?.format ?? { type: 'text' } },
    reasoning: { effort: request.reasoning?.effort ?? null, summary: null },
    temperature: request.temperature ?? defaults.temperature ?? 1,
    top_p: request.top_p ?? defaults.topP ?? 1,
    top_logprobs: request.top_logprobs ?? 0,
    truncation: 'disabled',
    background: false,
    previous_response_id: null,
    store: false,
    service_tier: 'default',
    metadata: request.metadata ?? {},
    usage: null,
  };
}

/** Counts that an engine does not know are 0: the API has no way to leave them out. */
export function toResponseUsage(usage: Usage): ResponseUsage {
  const { inputTokens, outputTokens, cachedTokens = 0, reasoningTokens = 0 } = usage;
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: inputTokens + outputTokens,
  };
}

export function toResponseLogprob({ token, bytes, logprob, top }: TokenLogprob): ResponseLogprob {
  return {
    token,
    logprob: logprob ?? 0, // a conversation is never echoed
    bytes: [...bytes],
    top_logprobs: top.map((one) => ({ token: one.token, logprob: one.logprob, bytes: [...one.bytes] })),
  };
}
