import { createHash, randomUUID } from 'node:crypto';
import type { EngineInfo, ModelEntry, Usage } from '@xim/engine';
import type { CompletionUsage } from '@xim/openai-schema';

/** The members that all parts of one answer share. */
export interface AnswerHead {
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  readonly model: string;
  readonly fingerprint: string;
}

/** @param prefix of the id, by the kind of answer: `chatcmpl`, `cmpl`, `resp`; with what joins it to the rest. */
export function createAnswerHead(prefix: string, model: string, fingerprint: string, joint = '-'): AnswerHead {
  const id = `${prefix}${joint}${randomUUID().replaceAll('-', '')}`;
  return { id, created: Math.floor(Date.now() / 1000), model, fingerprint };
}

const fingerprints = new WeakMap<object, string>();

/** The causes of a text besides the request: the weights, the engine, its version, its arithmetic. */
export function toFingerprint(model: ModelEntry, info: EngineInfo | undefined): string {
  const key = info ?? model;
  let fingerprint = fingerprints.get(key);
  if (fingerprint === undefined) {
    const facts = [model.id, model.revision, info?.engine, info?.runtime, info?.dtype];
    fingerprint = `fp_${createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 12)}`;
    fingerprints.set(key, fingerprint);
  }
  return fingerprint;
}

export function toUsage(usage: Usage): CompletionUsage {
  const { inputTokens, outputTokens, cachedTokens, reasoningTokens } = usage;
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    ...(cachedTokens !== undefined && { prompt_tokens_details: { cached_tokens: cachedTokens } }),
    ...(reasoningTokens !== undefined && { completion_tokens_details: { reasoning_tokens: reasoningTokens } }),
  };
}
