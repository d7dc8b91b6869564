import type { GenerateEvent } from '@xim/engine';
import type { StreamOptions } from '@xim/openai-schema';
import { toUsage } from './answer-head.ts';

const NONE = '],"usage":null}';

/**
 * Writes the usage so far into the chunks of one answer where `continuous_usage_stats` asks for it. Tokens count with the delta that
 * stands for them; those without a text, such as ends and the marks of calls, only in the last chunk, which has all.
 */
export function createRunningUsage(
  options: StreamOptions | null | undefined,
): (event: GenerateEvent, chunks: readonly string[]) => readonly string[] {
  if (!options?.continuous_usage_stats) return (_event, chunks) => chunks;
  let inputTokens = 0;
  let outputTokens = 0;
  return (event, chunks) => {
    if (event.type === 'start') inputTokens = event.inputTokens;
    if ('tokens' in event && typeof event.tokens === 'number') outputTokens += event.tokens;
    const usage = JSON.stringify(toUsage({ inputTokens, outputTokens }));
    return chunks.map((chunk) => (chunk.endsWith(NONE) ? `${chunk.slice(0, -NONE.length)}],"usage":${usage}}` : chunk));
  };
}
