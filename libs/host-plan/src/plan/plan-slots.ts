import type { Task } from '@xim/engine';
import type { Decision } from './decision.ts';

/** Texts in the largest request that the APIs of embeddings and reranking take; such a request must be admitted by an idle service. */
const largestTextList = 2048;

/** Sequences beyond which more slots only make each one slower; a big host carries more at a bearable rate. */
export function mostSlots(threads: number): number {
  return Math.min(256, Math.max(64, 4 * threads));
}

/** `sequences` = typical sequences that the key-value cache holds, where that is known. */
export function planSlots(task: Task, threads: number, sequences: number | undefined): Decision {
  switch (task) {
    case 'generate': {
      const most = mostSlots(threads);
      if (sequences === undefined) return { value: most, reason: `at most ${most} on ${threads} threads` };
      const value = Math.max(1, Math.min(most, sequences));
      return { value, reason: `the cache holds ${sequences} typical sequences; at most ${most} on ${threads} threads` };
    }
    case 'embed':
    case 'rerank':
      return { value: 256, reason: 'a few batches of texts, so that the next one is ready when a step ends' };
    case 'transcribe':
      return {
        value: Math.max(8, Math.min(64, threads)),
        reason: 'files take turns window by window, so that a short one does not wait for a long one',
      };
    case 'speak':
      return {
        value: Math.min(64, Math.max(8, 4 * threads)),
        reason: 'texts take turns sentence by sentence, so that a short one need not wait for a long one',
      };
    case 'generateImage':
      return perThreads(threads, 16, 4, 'a picture');
  }
}

/** These tasks run each call on its own, so slots share the threads; one call stops gaining at `each` threads. */
function perThreads(threads: number, each: number, most: number, unit: string): Decision {
  const value = Math.max(1, Math.min(most, Math.floor(threads / each)));
  return { value, reason: `${unit} at a time per ${each} threads, at most ${most}` };
}

/**
 * Four rounds of waiting: the last in the queue waits about four times as long as a call takes, and a client that has
 * to wait longer is better told so at once. At least 16, since waiting costs next to nothing and bursts are common.
 */
export function planQueue(task: Task, slots: number): Decision {
  if ((task === 'embed' || task === 'rerank') && 4 * slots < largestTextList) {
    return {
      value: largestTextList,
      reason: `a request may bring ${largestTextList} texts, and one such must be admitted`,
    };
  }
  return { value: Math.max(16, 4 * slots), reason: '4 for each slot, at least 16' };
}
