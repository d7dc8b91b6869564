import type { Task } from '@xim/engine';
import type { Decision } from './decision.ts';

/** Milliseconds without progress that no healthy engine reaches, however small the model. */
const leastStallMs: Record<Task, number> = {
  generate: 60_000,
  embed: 60_000,
  rerank: 60_000,
  transcribe: 120_000,
  speak: 60_000,
  generateImage: 300_000,
};

/** A step's bound. An engine's step cannot be interrupted, so a long one delays every cancel and every first token. */
export function planBatchTokens(task: Task, threads: number, slots: number): Decision {
  if (task !== 'generate' && task !== 'embed' && task !== 'rerank')
    return { value: 0, reason: `${task} has no steps of tokens` };
  const grown = threads < 16 ? 1 : threads < 32 ? 2 : 4;
  // Embedding and reranking have no decode step that waits behind the batch, and gain from a full one.
  const value = (task === 'generate' ? 512 : 2048) * grown;
  const size = threads < 16 ? 'fewer than 16' : threads < 32 ? '16 to 31' : '32 or more';
  // A decode step takes one token of every running sequence.
  if (task === 'generate' && slots > value) return { value: slots, reason: `one token for each of ${slots} slots` };
  return { value, reason: `bounds a step's length on ${size} threads` };
}

/**
 * At least five times the slowest step that is to be expected: a healthy engine must never be taken for a hung one.
 * `cpus` is the CPU time that the threads get, below 1 under a tight quota.
 */
export function planStall(
  task: Task,
  work: { batchTokens: number; tokensPerThreadSecond: number | undefined; cpus: number },
): Decision {
  const { batchTokens, tokensPerThreadSecond: rate = Infinity, cpus } = work;
  const least = Math.ceil(leastStallMs[task] / Math.min(1, cpus));
  const stepMs = Math.ceil((batchTokens / (cpus * rate)) * 1000);
  if (5 * stepMs <= least) {
    return { value: least, shown: formatSeconds(least), reason: `more than five times the slowest step of ${task}` };
  }
  const reason = `five times a step of ${batchTokens} tokens, at most ${formatSeconds(stepMs)} on ${cpus} CPUs`;
  return { value: 5 * stepMs, shown: formatSeconds(5 * stepMs), reason };
}

export function formatSeconds(ms: number): string {
  return `${Number((ms / 1000).toPrecision(3))} s`;
}
