import type { GenerateEvent } from '@xim/engine';

/** A call of one token per choice as if none had been asked for: what is left is the echo of the prompt. */
export async function* toPromptAlone(events: AsyncIterable<GenerateEvent>): AsyncGenerator<GenerateEvent> {
  const begun = new Set<number>();
  for await (const event of events) {
    if (event.type === 'choice-end') {
      yield { type: 'choice-end', choice: event.choice, reason: 'length' };
    } else if (event.type === 'end') {
      yield { type: 'end', usage: { ...event.usage, outputTokens: 0 } };
    } else if ('choice' in event) {
      // The prompt's own text stands for no tokens and comes before all that does.
      const isEcho = event.type === 'text-delta' && event.tokens === 0 && !begun.has(event.choice);
      if (isEcho) yield event;
      else begun.add(event.choice);
    } else yield event;
  }
}
